/**
 * Which rows of ClickHouse's tables of truth are those of a version: all of its own build, and of a few
 * earlier builds the hours that it took over. One rule for all readers; conversions are never taken over.
 */

/** Hours of an earlier build that stand for those of the own one. */
export interface TakenOver {
  readonly buildId: number;
  /** Event hours, as starts in epoch seconds, ascending. */
  readonly hours: readonly number[];
}

/** A version by where its rows lie. */
export interface HeldRows {
  /** The own build. */
  readonly buildId: number;
  readonly takenOver: readonly TakenOver[];
}

/** Tables with rows by event hour. Only the cube has cells of credited conversions. */
type HourTable = "truth_cube" | "truth_rejects" | "truth_hours";

/**
 * SQL condition: the rows of one version.
 *
 * @param own SQL of the own build; its number unless said.
 */
export function rowsOfVersion(
  table: HourTable,
  { buildId, takenOver }: HeldRows,
  own = String(buildId),
): string {
  const credits = table === "truth_cube" ? " AND credited = 0" : "";
  const others = takenOver.map(({ buildId: other, hours }) => {
    return `build_id = ${other} AND toUnixTimestamp(event_hour) IN (${hours.join(", ")})${credits}`;
  });
  return `(${[`build_id = ${own}`, ...others].join(" OR ")})`;
}

/** An entry for each build that rows of some versions lie in, with what is told of the version. */
export function heldBuilds<Version extends HeldRows>(versions: readonly Version[]): Version[] {
  return versions.flatMap((version) => [
    version,
    ...version.takenOver.map(({ buildId }) => ({ ...version, buildId })),
  ]);
}

/** Parameters of `rowsOfVersions`. */
export interface HeldParams extends Record<string, unknown> {
  readonly held: readonly number[];
  /** Builds of which only some hours are held. */
  readonly shared: readonly number[];
  /** Those hours, each a bit: the 32 hours of any day and what is about it have bits of their own. */
  readonly shared_hours: readonly number[];
}

const HOUR_SECONDS = 3_600;
const HOURS_OF_MASK = 32;

/** @param versions At most one of each billing day. */
export function heldParams(versions: readonly HeldRows[]): HeldParams {
  const shared = versions.flatMap(({ takenOver }) => takenOver);
  return {
    held: heldBuilds(versions).map(({ buildId }) => buildId),
    shared: shared.map(({ buildId }) => buildId),
    shared_hours: shared.map(({ hours }) =>
      hours.reduce((mask, hour) => mask + 2 ** ((hour / HOUR_SECONDS) % HOURS_OF_MASK), 0),
    ),
  };
}

/** SQL condition by `heldParams`: the rows of many versions. */
export function rowsOfVersions(table: HourTable, { shared }: HeldParams): string {
  const held = "build_id IN ({held: Array(UInt64)})";
  if (shared.length === 0) return held;
  const credits =
    table === "truth_cube"
      ? "\n        AND (credited = 0 OR build_id NOT IN ({shared: Array(UInt64)}))"
      : "";
  return `${held}
        AND bitTest(
          transform(build_id, {shared: Array(UInt64)}, {shared_hours: Array(UInt32)},
            toUInt32(${2 ** HOURS_OF_MASK - 1})),
          intDiv(toUnixTimestamp(event_hour), ${HOUR_SECONDS}) % ${HOURS_OF_MASK})${credits}`;
}

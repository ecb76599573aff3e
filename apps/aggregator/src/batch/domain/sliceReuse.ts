import type { Canonical } from "./canonicalJson.ts";
import { hashedInputs, type PinnedInputs } from "./inputs.ts";
import { planSlices, type Slice } from "./slices.ts";

/** Hours that were judged, and where their rows lie. */
export interface JudgedSlice {
  /** Event hours, as starts in epoch milliseconds, ascending: one each since decision 68. */
  readonly hoursMs: readonly number[];
  /** SHA-256 of everything that its rows are a function of, in hex. */
  readonly inputsHash: string;
  /** The same without what follows it; null where no question about that can be asked. */
  readonly aloneHash: string | null;
  /** Events that it had to judge. */
  readonly events: number;
  /** The build that holds its rows. */
  readonly buildId: bigint;
  /** Whether a version names that build, so that its rows stay. */
  readonly isPublished: boolean;
}

export interface SlicePlan {
  /** What earlier builds hold already. */
  readonly reused: readonly JudgedSlice[];
  readonly judged: readonly Slice[];
}

/**
 * Cuts a day into slices, and leaves out the hours of which an earlier build holds the rows that
 * would come out again: those that were judged by equal inputs.
 *
 * @param known Earlier slices of the partition, those first that are to be preferred.
 * @param hashOf The SHA-256 of what `hourInputs` gives.
 */
export function planPart(
  inputs: PinnedInputs,
  known: readonly JudgedSlice[],
  rowsMax: number,
  hashOf: (value: Canonical) => string,
): SlicePlan {
  const byHour = Map.groupBy(inputs.objects, ({ eventHourMs }) => eventHourMs);
  const covered = new Set<number>();
  const reused = known.filter(({ hoursMs, inputsHash }) => {
    if (hoursMs.some((hour) => covered.has(hour) || !byHour.has(hour))) return false;
    const own = hoursMs.flatMap((hour) => byHour.get(hour) ?? []);
    const [slice] = planSlices(inputs, Number.POSITIVE_INFINITY, own);
    if (slice === undefined || hashOf(sliceInputs(inputs, slice)) !== inputsHash) return false;
    for (const hour of hoursMs) covered.add(hour);
    return true;
  });
  const runs = runsBetween(
    [...byHour.keys()].sort((a, b) => a - b),
    covered,
  );
  const judged = runs.flatMap((hours) =>
    planSlices(
      inputs,
      rowsMax,
      hours.flatMap((hour) => byHour.get(hour) ?? []),
    ),
  );
  return { reused, judged };
}

/**
 * Everything that the rows of each hour of a slice are a function of, to be hashed: an hour comes to the
 * same whichever hours it is judged with. `alone` is without what follows the hour.
 */
export function hourInputs(
  inputs: PinnedInputs,
  { objects }: Pick<Slice, "objects">,
): { readonly hourMs: number; readonly hashed: Canonical; readonly alone: Canonical }[] {
  const hours = [...Map.groupBy(objects, ({ eventHourMs }) => eventHourMs)];
  return hours
    .sort(([a], [b]) => a - b)
    .flatMap(([hourMs, own]) =>
      planSlices(inputs, Number.POSITIVE_INFINITY, own).map((slice) => {
        const alone = sliceInputs(inputs, { ...slice, following: [] });
        return { hourMs, hashed: sliceInputs(inputs, slice), alone };
      }),
    );
}

function sliceInputs(inputs: PinnedInputs, slice: Slice): Canonical {
  return hashedInputs({ ...inputs, ...slice });
}

/** Hours that follow one another without a covered one between them: a slice never spans one. */
function runsBetween(hours: readonly number[], covered: ReadonlySet<number>): number[][] {
  const runs: number[][] = [[]];
  for (const hour of hours) {
    if (covered.has(hour)) runs.push([]);
    else runs.at(-1)?.push(hour);
  }
  return runs.filter((run) => run.length > 0);
}

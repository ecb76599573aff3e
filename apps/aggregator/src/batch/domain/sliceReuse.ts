import type { Canonical } from "./canonicalJson.ts";
import { hashedInputs, type PinnedInputs, type PinnedObject } from "./inputs.ts";
import { planSlices, type Slice } from "./slices.ts";

/** A slice that was judged, and where its rows lie. */
export interface JudgedSlice {
  /** Its event hours, as starts in epoch milliseconds, ascending. */
  readonly hoursMs: readonly number[];
  /** SHA-256 of everything that its rows are a function of, in hex. */
  readonly inputsHash: string;
  /** Events that it had to judge. */
  readonly events: number;
  /** The build that holds its rows. */
  readonly buildId: bigint;
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
 * @param hashOf The SHA-256 of what `sliceInputs` gives.
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
    const [slice] = sliceObjects(
      inputs,
      hoursMs.flatMap((hour) => byHour.get(hour) ?? []),
      Number.POSITIVE_INFINITY,
    );
    if (slice === undefined || hashOf(sliceInputs(inputs, slice)) !== inputsHash) return false;
    for (const hour of hoursMs) covered.add(hour);
    return true;
  });
  const runs = runsBetween(
    [...byHour.keys()].sort((a, b) => a - b),
    covered,
  );
  const judged = runs.flatMap((hours) =>
    sliceObjects(
      inputs,
      hours.flatMap((hour) => byHour.get(hour) ?? []),
      rowsMax,
    ),
  );
  return { reused, judged };
}

/** Everything that the rows of a slice are a function of, to be hashed. */
export function sliceInputs(inputs: PinnedInputs, slice: Slice): Canonical {
  return hashedInputs({ ...inputs, ...slice });
}

export function hoursOf({ objects }: Slice): number[] {
  return [...new Set(objects.map(({ eventHourMs }) => eventHourMs))].sort((a, b) => a - b);
}

function sliceObjects(
  inputs: PinnedInputs,
  objects: readonly PinnedObject[],
  rowsMax: number,
): Slice[] {
  return planSlices(inputs, rowsMax, objects);
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

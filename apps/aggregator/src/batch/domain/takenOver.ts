import type { JudgedSlice } from "./sliceReuse.ts";

/** Hours of an earlier build whose rows are a later build's too, where they lie. */
export interface TakenOver {
  readonly buildId: bigint;
  /** Event hours, as starts in epoch milliseconds, ascending. */
  readonly hoursMs: readonly number[];
}

/**
 * Builds that one takes hours over from where they lie. Readers name them all, and read a few rows more
 * for each; what lies in others is copied.
 */
const BUILDS_MAX = 2;

/** What a build holds without judging it. */
export interface TakenSlices {
  /** Their rows stay where they are. */
  readonly shared: readonly JudgedSlice[];
  /** Their rows are copied to the own build. */
  readonly copied: readonly JudgedSlice[];
}

/**
 * Which slices of earlier builds are left where they lie: those of the fullest builds that versions
 * have, as long as each has no fewer events than all smaller ones together. So what is copied is small
 * beside what is not, and a row is copied a few times at most however often its day is counted.
 */
export function shareSlices(reused: readonly JudgedSlice[]): TakenSlices {
  const builds = [...Map.groupBy(reused, ({ buildId }) => buildId).values()]
    .map((slices) => ({ slices, events: slices.reduce((sum, { events }) => sum + events, 0) }))
    .sort((a, b) => b.events - a.events);
  let smaller = reused.reduce((sum, { events }) => sum + events, 0);
  const shared: JudgedSlice[] = [];
  for (const { slices, events } of builds.slice(0, BUILDS_MAX)) {
    smaller -= events;
    if (events < smaller) break;
    // Rows of a build that no version names are swept one day.
    shared.push(...slices.filter(({ isPublished }) => isPublished));
  }
  const isShared = new Set(shared);
  return { shared, copied: reused.filter((slice) => !isShared.has(slice)) };
}

/** The shared slices by the builds that they lie in, in their order. */
export function takenOverOf(shared: readonly JudgedSlice[]): TakenOver[] {
  return [...Map.groupBy(shared, ({ buildId }) => buildId)]
    .map(([buildId, slices]) => ({
      buildId,
      hoursMs: slices.flatMap(({ hoursMs }) => hoursMs).sort((a, b) => a - b),
    }))
    .sort((a, b) => Number(a.buildId - b.buildId));
}

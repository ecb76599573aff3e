import type { DirtyDay } from "@trueclick/db/queries/dirtyDays";

/** The days whose inputs have changed, and the queue that they are put into. */
export interface DaySchedule {
  /**
   * Lets one process at a time decide what to queue; null when another is at it.
   *
   * @param choose Gets the changed days of the last weeks and how many jobs of earlier decisions
   *   have not ended yet.
   */
  decide(
    nowMs: number,
    choose: (dirty: readonly DirtyDay[], unfinished: number) => readonly DirtyDay[],
  ): Promise<readonly DirtyDay[] | null>;
}

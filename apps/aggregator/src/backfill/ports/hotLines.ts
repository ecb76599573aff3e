import type { InstantRange } from "@trueclick/shared/calendar";

/** Hours of the hot store as lines, which readers take for them once the border has passed. */
export interface HotLines {
  /**
   * Tells hours by what the hot store says of them now. To be called once their rows are written, and before
   * the border moves or they are said to be healed. Of two writers the one that began to read later wins.
   */
  write(hoursMs: readonly number[]): Promise<void>;
  /** Says that hours have no lines, whatever there was: readers ask the hot store. */
  forget(hoursMs: readonly number[]): Promise<void>;
  /** Starts of hours of a range without lines, the newest first, epoch milliseconds. */
  missing(range: InstantRange, hoursMax: number): Promise<readonly number[]>;
  drop(beforeMs: number): Promise<void>;
}

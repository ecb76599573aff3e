/** In which order the demo's past is counted for billing. */
import type { IsoDay } from "@trueclick/shared/calendar";

export interface DaysToOrder {
  /** All days of one advertiser, oldest first. */
  readonly days: readonly IsoDay[];
  /** Whether a day has a version already. */
  readonly isCounted: (day: IsoDay) => boolean;
  /** Whether it may still change without that being a correction. */
  readonly isOpen: (day: IsoDay) => boolean;
}

/**
 * Open days first, newest first, since people look at those first. Then the closed ones, oldest first:
 * conversions of a day are credited to clicks of days before it, and a day that is counted before those
 * are would come out different afterwards, as a correction of something that nobody had wrong. Last the
 * open days once more, for the same clicks.
 */
export function countOrder({ days, isCounted, isOpen }: DaysToOrder): IsoDay[] {
  const missing = days.filter((day) => !isCounted(day));
  if (missing.length === 0) return [];
  const firstLook = missing.filter(isOpen).reverse();
  return [...firstLook, ...missing.filter((day) => !isOpen(day)), ...days.filter(isOpen)];
}

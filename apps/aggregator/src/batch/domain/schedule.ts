/** When a day that has changed is counted again without anybody asking. */
import type { InstantRange } from "@trueclick/shared/calendar";
import { HOUR_MS, MINUTE_MS } from "@trueclick/shared/time";

/**
 * How long after a full hour, or after the end of a billing day, its events are counted: by then the
 * archive has written them.
 */
export const COUNT_DELAY_MS = 2 * MINUTE_MS;

/**
 * Whether a changed day is to be counted now. Every UTC hour is a mark, and so is the end of the day
 * in the account's zone; each comes `COUNT_DELAY_MS` late, and is answered with one count.
 *
 * @param bounds The billing day.
 * @param lookedAtMs When somebody last set out to count it, or when the first event of it came.
 */
export function isDue(bounds: InstantRange, lookedAtMs: number, nowMs: number): boolean {
  const hourMs = Math.floor((nowMs - COUNT_DELAY_MS) / HOUR_MS) * HOUR_MS;
  const marks = bounds.toMs + COUNT_DELAY_MS <= nowMs ? [hourMs, bounds.toMs] : [hourMs];
  return Math.max(...marks) + COUNT_DELAY_MS > lookedAtMs;
}

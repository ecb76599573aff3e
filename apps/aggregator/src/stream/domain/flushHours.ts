/** Hours of event time that a flush makes dirty, as starts in epoch milliseconds. */
import { HOUR_MS } from "@trueclick/shared/time";
import { windowStartMs } from "@trueclick/shared/window";
import type { StreamReject } from "./outcomes.ts";
import { AHEAD_MAX_MS, WINDOW_SIZE_MS } from "./partitionEngine.ts";

/** Hours that a backfill changes. A late event of no known campaign would change none. */
export function lateHoursOf(rejects: readonly StreamReject[]): number[] {
  const late = rejects.filter(({ reason, advertiserId }) => {
    return reason === "late" && advertiserId !== "";
  });
  return [...new Set(late.map(({ eventTimeMs }) => windowStartMs(eventTimeMs, HOUR_MS)))];
}

/**
 * Hours whose windows are open at a log's first record, by its append time: records that the log had
 * before may have events in them.
 */
export function hoursOpenAt(appendTimeMs: number, allowedLatenessMs: number): number[] {
  const fromMs = appendTimeMs - allowedLatenessMs - WINDOW_SIZE_MS;
  const hours: number[] = [];
  for (
    let hourMs = windowStartMs(fromMs, HOUR_MS);
    hourMs <= appendTimeMs + AHEAD_MAX_MS;
    hourMs += HOUR_MS
  ) {
    hours.push(hourMs);
  }
  return hours;
}

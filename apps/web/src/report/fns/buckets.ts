import {
  addDays,
  dayBounds,
  dayOf,
  daysBetween,
  type InstantRange,
} from "@trueclick/shared/calendar";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "@trueclick/shared/time";

/** A span of a report. */
export interface Bucket {
  /** Inclusive, epoch milliseconds. */
  readonly startMs: number;
  /** Exclusive, epoch milliseconds. */
  readonly endMs: number;
}

export type Granularity = "minute" | "hour" | "day";

/** Up to two days are shown by the hour, longer ranges by the day. */
const HOURLY_UNTIL_MS = 2 * DAY_MS + 2 * HOUR_MS;

export function granularityFor(range: InstantRange): Granularity {
  return range.toMs - range.fromMs <= HOURLY_UNTIL_MS ? "hour" : "day";
}

/**
 * The buckets of a range, oldest first, as reports cut them: days are local days of 23, 24 or 25
 * hours; hours and minutes are those of UTC, so that in a zone of half hours the first and the last
 * hour of a day belong to it only in part.
 */
export function bucketsOf(
  range: InstantRange,
  granularity: Granularity,
  timeZone: string,
): Bucket[] {
  const starts =
    granularity === "day"
      ? dayStarts(range, timeZone)
      : clockStarts(range, granularity === "hour" ? HOUR_MS : MINUTE_MS);
  return starts.map((startMs, index) => ({ startMs, endMs: starts[index + 1] ?? range.toMs }));
}

function dayStarts(range: InstantRange, timeZone: string): number[] {
  const first = dayOf(range.fromMs, timeZone);
  const last = dayOf(range.toMs - 1, timeZone);
  const later = daysBetween(addDays(first, 1), last).map((day) => dayBounds(day, timeZone).fromMs);
  return [...new Set([range.fromMs, ...later])];
}

function clockStarts({ fromMs, toMs }: InstantRange, stepMs: number): number[] {
  const starts = [fromMs];
  const firstBorderMs = Math.floor(fromMs / stepMs) * stepMs + stepMs;
  for (let startMs = firstBorderMs; startMs < toMs; startMs += stepMs) starts.push(startMs);
  return starts;
}

/** Labels of an axis in the account's zone; the hour that a clock shows twice bears its zone. */
export function labelFormatter(
  granularity: Granularity,
  timeZone: string,
): (startMs: number) => string {
  if (granularity === "day") {
    const format = new Intl.DateTimeFormat("en-GB", { timeZone, day: "numeric", month: "short" });
    return (startMs) => format.format(startMs);
  }
  const clock = new Intl.DateTimeFormat("en-GB", { timeZone, hour: "2-digit", minute: "2-digit" });
  const withZone = new Intl.DateTimeFormat("en-GB", {
    timeZone,
    hour: "2-digit",
    minute: "2-digit",
    timeZoneName: "shortOffset",
  });
  return (startMs) => {
    const label = clock.format(startMs);
    const isRepeated =
      clock.format(startMs - HOUR_MS) === label || clock.format(startMs + HOUR_MS) === label;
    return isRepeated ? withZone.format(startMs) : label;
  };
}

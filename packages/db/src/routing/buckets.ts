/**
 * Buckets: the spans of a report. One definition for the queries that fill them and for those who
 * draw the empty ones too.
 */
import { addDays, dayBounds, dayOf } from "@trueclick/shared/calendar";
import { HOUR_MS, MINUTE_MS } from "@trueclick/shared/time";

export const GRANULARITIES = ["total", "minute", "hour", "day"] as const;
export type Granularity = (typeof GRANULARITIES)[number];

interface BucketRange {
  /** Inclusive, epoch milliseconds. */
  readonly fromMs: number;
  /** Exclusive, epoch milliseconds. */
  readonly toMs: number;
  readonly granularity: Granularity;
  /** IANA name: whose calendar days the buckets of `day` are. */
  readonly timeZone: string;
}

const STEP_MS = { minute: MINUTE_MS, hour: HOUR_MS } as const;

/**
 * The starts of the buckets of a range, ascending, epoch milliseconds. The first one starts at
 * `fromMs`, however far into its day, hour or minute that is; every other on a border.
 *
 * Minutes and hours are those of UTC, since counts are kept by them; days are of the zone.
 */
export function bucketStartsMs({ fromMs, toMs, granularity, timeZone }: BucketRange): number[] {
  if (fromMs >= toMs) return [];
  if (granularity === "total") return [fromMs];
  const starts = [fromMs];
  if (granularity === "day") {
    let day = addDays(dayOf(fromMs, timeZone), 1);
    for (;;) {
      const startMs = dayBounds(day, timeZone).fromMs;
      if (startMs >= toMs) return starts;
      // A day that the zone skipped is empty and has no bucket.
      if (startMs > (starts.at(-1) ?? fromMs)) starts.push(startMs);
      day = addDays(day, 1);
    }
  }
  const stepMs = STEP_MS[granularity];
  for (let ms = fromMs - (fromMs % stepMs) + stepMs; ms < toMs; ms += stepMs) starts.push(ms);
  return starts;
}

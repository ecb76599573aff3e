import { HOUR_MS } from "@trueclick/shared/time";

/** One partition, as the stream stands in it. */
export interface PartitionStand {
  /** Of the last commit; null before any record. */
  readonly watermarkMs: number | null;
  /** The stream has read all that the log holds. */
  readonly isAtEnd: boolean;
}

/** Room for the clocks of log and store, and for lateness that is raised under a spike. */
const CLOCK_MARGIN_MS = HOUR_MS;

/**
 * The hour up to which every window of every partition is closed, epoch milliseconds; null while a
 * partition was not read yet.
 *
 * A partition that rests has a watermark that rests, too. Once it is read to its end, its next
 * record will bear an append time of now or later, and close what lies the allowed lateness before.
 */
export function closedThroughMs(
  partitions: readonly PartitionStand[],
  nowMs: number,
  allowedLatenessMs: number,
): number | null {
  const restingMs = nowMs - allowedLatenessMs - CLOCK_MARGIN_MS;
  let closedMs = Number.POSITIVE_INFINITY;
  for (const { watermarkMs, isAtEnd } of partitions) {
    const ownMs = isAtEnd ? Math.max(watermarkMs ?? 0, restingMs) : watermarkMs;
    if (ownMs === null) return null;
    closedMs = Math.min(closedMs, ownMs);
  }
  return Number.isFinite(closedMs) ? Math.floor(closedMs / HOUR_MS) * HOUR_MS : null;
}

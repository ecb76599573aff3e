import type { InstantRange } from "@trueclick/shared/calendar";
import { HOUR_MS } from "@trueclick/shared/time";
import { windowStartMs } from "@trueclick/shared/window";
import { and, eq, gte, isNull, lt, max, min, or } from "drizzle-orm";
import { hotRollups, streamCheckpoints, streamDirtyHours } from "../postgres/schema/stream.ts";
import type { Stores } from "../stores.ts";

export interface StreamState {
  /** The least of the partitions' watermarks, epoch milliseconds; null before any event. */
  readonly watermarkMs: number | null;
  /** The highest degradation level of any partition, 0 to 3. */
  readonly level: number;
  /** Up to where hours of the hot store stand in for minutes, epoch milliseconds; null: nowhere. */
  readonly rolledThroughMs: number | null;
}

/** How far the stream is over all partitions. Holds nothing of any tenant. */
export async function streamState({ db }: Pick<Stores, "db">): Promise<StreamState> {
  const [[row], rolledThroughMs] = await Promise.all([
    db
      .select({
        watermarkMs: min(streamCheckpoints.watermarkMs),
        level: max(streamCheckpoints.level),
      })
      .from(streamCheckpoints),
    rolledThrough({ db }),
  ]);
  return { watermarkMs: row?.watermarkMs ?? null, level: row?.level ?? 0, rolledThroughMs };
}

/**
 * Up to where hours of the hot store stand in for minutes, epoch milliseconds; null: nowhere. Ask
 * before the rows: hours are written before it moves, and minutes stay.
 */
export async function rolledThrough({ db }: Pick<Stores, "db">): Promise<number | null> {
  const [row] = await db.select({ at: min(hotRollups.rolledThrough) }).from(hotRollups);
  return row?.at?.getTime() ?? null;
}

/**
 * The newest hour of the range of which the stream has left detail out and that no backfill has counted
 * again, epoch milliseconds; null for none. Ask before the rows: an hour that is healed meanwhile is
 * then called degraded, and not the other way round. Holds nothing of any tenant.
 */
export async function newestDegradedHour(
  { db }: Pick<Stores, "db">,
  { fromMs, toMs }: InstantRange,
): Promise<number | null> {
  const { eventHour, cause, healedAt, markedAt } = streamDirtyHours;
  const [row] = await db
    .select({ newest: max(eventHour) })
    .from(streamDirtyHours)
    .where(
      and(
        eq(cause, "degraded"),
        gte(eventHour, new Date(windowStartMs(fromMs, HOUR_MS))),
        lt(eventHour, new Date(toMs)),
        or(isNull(healedAt), lt(healedAt, markedAt)),
      ),
    );
  return row?.newest?.getTime() ?? null;
}

/** Which hours of the hot store were being counted again while somebody read them. */
import { gt, type SQL, sql } from "drizzle-orm";
import { streamBackfills, streamRecounts } from "../postgres/schema/stream.ts";
import type { Stores } from "../stores.ts";

/** SQL of the last backfill that has ended, to be asked before the first row is read; 0: none has. */
export function lastBackfillSql(): SQL {
  return sql`select coalesce(max(${streamBackfills.id}), 0) from ${streamBackfills}`;
}

/**
 * Starts of the hours that a backfill is at, or has ended with since, epoch milliseconds; to be asked after
 * the last row is read. Counts and evidence of such an hour may have been read at different times of it.
 * Holds nothing of any tenant.
 */
export async function recountedSince(
  { db }: Pick<Stores, "db">,
  backfill: number,
): Promise<Set<number>> {
  const isSince = gt(streamBackfills.id, backfill);
  const rows = await db
    .select({ hour: streamRecounts.eventHour })
    .from(streamRecounts)
    .union(db.select({ hour: streamBackfills.eventHour }).from(streamBackfills).where(isSince));
  return new Set(rows.map(({ hour }) => hour.getTime()));
}

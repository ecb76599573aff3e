import type { Database } from "@trueclick/db/postgres/database";
import { type DIRTY_CAUSES, streamDirtyHours } from "@trueclick/db/postgres/schema/stream";
import { sql } from "drizzle-orm";

/** Hours of one INSERT: Postgres takes 65,535 parameters a statement. */
const HOURS_PER_INSERT_MAX = 1_000;

/** Why hours are dirty, and what the archive must have before they can be healed. */
export interface DirtyMark {
  readonly topic: string;
  readonly partition: number;
  readonly offsetFrom: bigint;
  readonly cause: (typeof DIRTY_CAUSES)[number];
}

/** Marks hours of event time for a backfill; one that was marked before is marked anew. */
export async function markDirty(
  db: Pick<Database, "insert">,
  mark: DirtyMark,
  hoursMs: readonly number[],
): Promise<void> {
  const { partition, offsetFrom } = mark;
  // Sorted, so that two partitions that mark the same hours wait for each other, never in a circle.
  const sorted = hoursMs.toSorted((a, b) => a - b);
  for (let from = 0; from < sorted.length; from += HOURS_PER_INSERT_MAX) {
    const hours = sorted.slice(from, from + HOURS_PER_INSERT_MAX);
    await db
      .insert(streamDirtyHours)
      .values(hours.map((hourMs) => ({ ...mark, eventHour: new Date(hourMs) })))
      .onConflictDoUpdate({
        target: [streamDirtyHours.topic, streamDirtyHours.eventHour, streamDirtyHours.cause],
        set: { partition, offsetFrom, markedAt: sql`clock_timestamp()` },
      });
  }
}

import type { Database } from "@trueclick/db/postgres/database";
import { archiveCheckpoints } from "@trueclick/db/postgres/schema/archive";
import {
  streamBackfills,
  streamCheckpoints,
  streamDirtyHours,
  streamRecounts,
} from "@trueclick/db/postgres/schema/stream";
import { SECOND_MS } from "@trueclick/shared/time";
import { and, eq, sql } from "drizzle-orm";
import { settleGaps } from "../../stream/adapters/postgresLogGap.ts";
import type { BackfillFacts, DirtyHour, DirtyHours } from "../ports/dirtyHours.ts";

/** Hours looked at in one step. */
const HOURS_MAX = 1_000;

/** Keeps what must be healed in `stream_dirty_hours`, and what was in `stream_backfills`. */
export function createPostgresDirtyHours(db: Database, topic: string): DirtyHours {
  const dirty = streamDirtyHours;
  return {
    settleGaps: () => settleGaps(db, topic),

    open: (restMs, failedMs) =>
      // Marks are committed with the checkpoint that passed their events: of one snapshot, the
      // bounds hold what the marks are of.
      db.transaction(
        async (tx) => {
          const rows = await tx
            .select({
              eventHour: dirty.eventHour,
              causes: sql<string[]>`array_agg(${dirty.cause} order by ${dirty.cause})`,
              seenAt: sql<string>`max(${dirty.markedAt})::text`,
            })
            .from(dirty)
            .where(
              and(
                eq(dirty.topic, topic),
                sql`(${dirty.healedAt} is null or ${dirty.healedAt} < ${dirty.markedAt})`,
                sql`not exists (select from ${streamBackfills} where ${streamBackfills.topic} = ${topic}
                  and ${streamBackfills.eventHour} = ${dirty.eventHour}
                  and ${streamBackfills.finishedAt} >
                    clock_timestamp() - make_interval(secs => ${restMs / SECOND_MS}))`,
              ),
            )
            .groupBy(dirty.eventHour)
            .orderBy(isIn(failedMs), sql`min(${dirty.markedAt})`)
            .limit(HOURS_MAX);
          const bounds = await tx
            .select({
              partition: streamCheckpoints.partition,
              nextOffset: streamCheckpoints.nextOffset,
              watermarkMs: streamCheckpoints.watermarkMs,
            })
            .from(streamCheckpoints)
            .where(eq(streamCheckpoints.topic, topic));
          return rows.map(({ eventHour, ...mark }) => ({
            ...mark,
            hourMs: eventHour.getTime(),
            bounds,
          }));
        },
        { isolationLevel: "repeatable read", accessMode: "read only" },
      ),

    async archiveFrontier() {
      const rows = await db
        .select()
        .from(archiveCheckpoints)
        .where(eq(archiveCheckpoints.topic, topic));
      return new Map(rows.map(({ partition, nextOffset }) => [partition, nextOffset]));
    },

    async recounting({ hourMs }) {
      await db
        .insert(streamRecounts)
        .values({ topic, eventHour: new Date(hourMs) })
        .onConflictDoNothing();
    },

    healed: (hour, facts) => recordHealed(db, topic, hour, facts),
  };

  /** False comes before true. */
  function isIn(hoursMs: readonly number[]) {
    const seconds = hoursMs.map((hourMs) => hourMs / SECOND_MS);
    return sql`extract(epoch from ${dirty.eventHour})::bigint = any(${sql.param(seconds)}::bigint[])`;
  }
}

/** The marks that were seen: one that came later is of events that were not read. */
function recordHealed(
  db: Database,
  topic: string,
  { hourMs, causes, seenAt }: DirtyHour,
  { events, corrected, startedAt }: BackfillFacts,
): Promise<void> {
  const eventHour = new Date(hourMs);
  return db.transaction(async (tx) => {
    const counts = { events: BigInt(events), corrected: BigInt(corrected) };
    const row = { topic, eventHour, causes: [...causes], ...counts, startedAt };
    await tx.insert(streamBackfills).values(row);
    const marks = streamDirtyHours;
    const seen = and(
      eq(marks.topic, topic),
      eq(marks.eventHour, eventHour),
      sql`${marks.markedAt} <= ${seenAt}::timestamptz`,
    );
    await tx.update(marks).set({ healedAt: sql`clock_timestamp()` }).where(seen);
    // With the record of the backfill: a reader that no longer meets this one meets that.
    const at = streamRecounts;
    await tx.delete(at).where(and(eq(at.topic, topic), eq(at.eventHour, eventHour)));
  });
}

import { listHourObjects } from "@trueclick/archive/hourObjects";
import type { Database } from "@trueclick/db/postgres/database";
import { archiveObjects } from "@trueclick/db/postgres/schema/archive";
import { HOUR_MS } from "@trueclick/shared/time";
import { and, asc, count, eq, gte, inArray, isNull, lt, sql } from "drizzle-orm";
import type { CompactionManifest } from "../ports/compactionManifest.ts";

/** Hours looked at in one pass; the next pass goes on. */
const HOURS_MAX = 500;

/** One of the sources was taken by another compaction. */
class AlreadyCompactedError extends Error {
  override readonly name = "AlreadyCompactedError";
}

/** Compacts in `archive_objects` of one topic. */
export function createPostgresCompactionManifest(db: Database, topic: string): CompactionManifest {
  const isLive = and(eq(archiveObjects.topic, topic), isNull(archiveObjects.compactedInto));
  return {
    async hoursWithMany(objectsMin, beforeMs) {
      const groups = await db
        .selectDistinct({ eventHour: archiveObjects.eventHour })
        .from(archiveObjects)
        .where(and(isLive, lt(archiveObjects.eventHour, new Date(beforeMs))))
        .groupBy(archiveObjects.eventHour, archiveObjects.partition)
        .having(gte(count(), objectsMin))
        .orderBy(asc(archiveObjects.eventHour))
        .limit(HOURS_MAX);
      return groups.map(({ eventHour }) => eventHour.getTime());
    },

    liveObjects: (eventHourMs) =>
      listHourObjects(db, topic, { fromMs: eventHourMs, toMs: eventHourMs + HOUR_MS }),

    async replace(sources, merged) {
      const paths = sources.map(({ path }) => path);
      try {
        await db.transaction(async (tx) => {
          const marked = await tx
            .update(archiveObjects)
            .set({ compactedInto: merged.path })
            .where(and(isLive, inArray(archiveObjects.path, paths)))
            .returning({ mergedObjects: archiveObjects.mergedObjects });
          if (marked.length !== sources.length) throw new AlreadyCompactedError();
          const { eventHourMs, rows, bytes, ...object } = merged;
          const added = await tx
            .insert(archiveObjects)
            .values({
              ...object,
              topic,
              eventHour: new Date(eventHourMs),
              rows: BigInt(rows),
              bytes: BigInt(bytes),
              // One from the log counts for itself.
              mergedObjects: marked.reduce((sum, one) => sum + Math.max(1, one.mergedObjects), 0),
            })
            .onConflictDoNothing()
            .returning({ path: archiveObjects.path });
          if (added.length === 0) throw new AlreadyCompactedError();
        });
        return true;
      } catch (error) {
        if (error instanceof AlreadyCompactedError) return false;
        throw error;
      }
    },

    async markRemovable(retentionMs, pathsMax) {
      const removable = await db.execute<{ path: string }>(sql`
        update archive_objects set removed_at = now()
        where path in (
          select old.path
          from archive_objects old
          join archive_objects merged on merged.path = old.compacted_into
          where old.topic = ${topic}
            and old.removed_at is null
            and merged.created_at < now() - ${retentionMs} * interval '1 millisecond'
          limit ${pathsMax}
        )
        returning path`);
      return removable.rows.map(({ path }) => path);
    },
  };
}

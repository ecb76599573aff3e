import type { ManifestObject } from "@trueclick/archive/domain/manifestObject";
import type { Database } from "@trueclick/db/postgres/database";
import {
  archiveCheckpoints,
  archiveObjects,
  archiveStretches,
} from "@trueclick/db/postgres/schema/archive";
import { and, eq, sql } from "drizzle-orm";
import { type Manifest, StaleEpochError } from "../ports/manifest.ts";

/** Objects in one INSERT: Postgres takes 65,535 parameters a statement, a row is nine. */
const OBJECTS_PER_INSERT_MAX = 1_000;

/** Keeps the manifest of one topic in `archive_checkpoints`, `_stretches` and `_objects`. */
export function createPostgresManifest(db: Database, topic: string): Manifest {
  return {
    async acquire(partition, startOffset) {
      const [position] = await db
        .insert(archiveCheckpoints)
        .values({ topic, partition, epoch: 1n, nextOffset: startOffset, startOffset })
        .onConflictDoUpdate({
          target: [archiveCheckpoints.topic, archiveCheckpoints.partition],
          set: { epoch: sql`${archiveCheckpoints.epoch} + 1` },
        })
        .returning({ epoch: archiveCheckpoints.epoch, nextOffset: archiveCheckpoints.nextOffset });
      if (position === undefined) throw new Error("the upsert of a checkpoint returned no row");
      return position;
    },

    commit: (epoch, stretch, objects) =>
      db.transaction(async (tx) => {
        const { partition, firstOffset, lastOffset, events, newestAppendMs } = stretch;
        const moved = await tx
          .update(archiveCheckpoints)
          .set({ nextOffset: lastOffset + 1n, updatedAt: sql`now()` })
          .where(
            and(
              eq(archiveCheckpoints.topic, topic),
              eq(archiveCheckpoints.partition, partition),
              eq(archiveCheckpoints.epoch, epoch),
              eq(archiveCheckpoints.nextOffset, firstOffset),
            ),
          )
          .returning({ partition: archiveCheckpoints.partition });
        if (moved.length === 0) {
          throw new StaleEpochError(
            `epoch ${epoch} no longer holds partition ${partition} at offset ${firstOffset}`,
          );
        }

        const row = { topic, partition, firstOffset, lastOffset, newestAppendMs };
        await tx.insert(archiveStretches).values({ ...row, events: BigInt(events) });
        const rows = objects.map((object) => toRow(object, { topic, ...stretch }));
        for (let start = 0; start < rows.length; start += OBJECTS_PER_INSERT_MAX) {
          await tx.insert(archiveObjects).values(rows.slice(start, start + OBJECTS_PER_INSERT_MAX));
        }
      }),
  };
}

function toRow(
  object: ManifestObject,
  stretch: { topic: string; partition: number; firstOffset: bigint; lastOffset: bigint },
): typeof archiveObjects.$inferInsert {
  const { topic, partition, firstOffset, lastOffset } = stretch;
  return {
    path: object.path,
    topic,
    partition,
    firstOffset,
    lastOffset,
    eventHour: new Date(object.eventHourMs),
    rows: BigInt(object.rows),
    bytes: BigInt(object.bytes),
    sha256: object.sha256,
  };
}

import type { Database } from "@trueclick/db/postgres/database";
import { streamCheckpoints } from "@trueclick/db/postgres/schema/stream";
import { and, eq, lte, sql } from "drizzle-orm";
import type { EngineCheckpoint } from "../domain/partitionEngine.ts";
import { type CheckpointStore, StaleEpochError } from "../ports/checkpointStore.ts";
import { StoreRejectedError } from "../ports/faults.ts";
import { toStoreError } from "./postgresFault.ts";

type Row = typeof streamCheckpoints.$inferSelect;

/** Keeps checkpoints in `stream_checkpoints`, one row a partition, fenced by its `epoch`. */
export function createPostgresCheckpointStore(db: Database, topic: string): CheckpointStore {
  const table = streamCheckpoints;
  const rowOf = (partition: number) => and(eq(table.topic, topic), eq(table.partition, partition));

  return {
    async acquire(partition, startOffset) {
      const first = { topic, partition, epoch: 1n };
      const [row] = await db
        .insert(table)
        .values({ ...first, nextOffset: startOffset, restartOffset: startOffset })
        .onConflictDoUpdate({
          target: [table.topic, table.partition],
          set: { epoch: sql`${table.epoch} + 1` },
        })
        .returning()
        .catch((error: unknown) => {
          throw toStoreError(`acquire partition ${partition}`, error);
        });
      if (row === undefined) throw new StoreRejectedError(`Partition ${partition} has no row`);
      return { partition, epoch: row.epoch, checkpoint: toCheckpoint(row) };
    },

    async commit(owner, checkpoint) {
      const { partition, epoch } = owner;
      const what = `checkpoint of partition ${partition}`;
      // An earlier attempt, given up as lost, may arrive after a later commit: never backwards.
      const forward = lte(table.nextOffset, checkpoint.nextOffset);
      try {
        const updated = await db
          .update(table)
          .set({ ...toRow(checkpoint), updatedAt: sql`now()` })
          .where(and(rowOf(partition), eq(table.epoch, epoch), forward))
          .returning({ epoch: table.epoch });
        if (updated.length > 0) return;
        const [row] = await db.select({ epoch: table.epoch }).from(table).where(rowOf(partition));
        if (row?.epoch === epoch) return;
      } catch (error) {
        throw toStoreError(what, error);
      }
      throw new StaleEpochError(owner);
    },
  };
}

function toRow({ totals, ...at }: EngineCheckpoint) {
  return {
    ...at,
    countedTotal: BigInt(totals.counted),
    duplicateTotal: BigInt(totals.duplicate),
    invalidTotal: BigInt(totals.invalid),
    lateTotal: BigInt(totals.late),
  };
}

function toCheckpoint(row: Row): EngineCheckpoint {
  return {
    nextOffset: row.nextOffset,
    restartOffset: row.restartOffset,
    watermarkMs: row.watermarkMs,
    appendTimeMs: row.appendTimeMs,
    totals: {
      counted: Number(row.countedTotal),
      duplicate: Number(row.duplicateTotal),
      invalid: Number(row.invalidTotal),
      late: Number(row.lateTotal),
    },
  };
}

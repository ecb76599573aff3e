import type { Database } from "@trueclick/db/postgres/database";
import { streamCheckpoints } from "@trueclick/db/postgres/schema/stream";
import { and, eq, lte, sql } from "drizzle-orm";
import type { ModeChange } from "../domain/countingMode.ts";
import type { EngineCheckpoint } from "../domain/partitionEngine.ts";
import {
  type CheckpointStore,
  type CountingFacts,
  type Ownership,
  StaleEpochError,
} from "../ports/checkpointStore.ts";
import { StoreRejectedError } from "../ports/faults.ts";
import { countingModesFrom, keepModeChange } from "./postgresCountingModes.ts";
import { markDirty } from "./postgresDirtyHours.ts";
import { toStoreError } from "./postgresFault.ts";
import { skipExpired } from "./postgresLogGap.ts";

const NO_FACTS: CountingFacts = { degradedHoursMs: [], cutHoursMs: [], modeChange: null };

type Row = typeof streamCheckpoints.$inferSelect;

/** Keeps checkpoints in `stream_checkpoints`, one row a partition, fenced by its `epoch`. */
export function createPostgresCheckpointStore(db: Database, topic: string): CheckpointStore {
  const table = streamCheckpoints;
  const rowOf = (partition: number) => and(eq(table.topic, topic), eq(table.partition, partition));

  return {
    async acquire(partition, { startOffset, endOffset: announcedOffset }) {
      const first = { topic, partition, epoch: 1n, announcedOffset };
      const [row] = await db
        .insert(table)
        .values({ ...first, nextOffset: startOffset, restartOffset: startOffset })
        .onConflictDoUpdate({
          target: [table.topic, table.partition],
          set: {
            epoch: sql`${table.epoch} + 1`,
            announcedOffset: sql`coalesce(${table.announcedOffset}, excluded.announced_offset)`,
          },
        })
        .returning()
        .catch((error: unknown) => {
          throw toStoreError(`acquire partition ${partition}`, error);
        });
      if (row === undefined) throw new StoreRejectedError(`Partition ${partition} has no row`);
      // Behind the new epoch no former owner adds any.
      const modes = await countingModesFrom(db, topic, partition, row.restartOffset).catch(
        (error: unknown) => {
          throw toStoreError(`levels of partition ${partition}`, error);
        },
      );
      return { partition, epoch: row.epoch, modes, ...toProgress(row) };
    },

    async announce(owner, offset) {
      const announced = await db
        .update(table)
        .set({ announcedOffset: sql`greatest(${table.announcedOffset}, ${offset})` })
        .where(and(rowOf(owner.partition), eq(table.epoch, owner.epoch)))
        .catch((error: unknown) => {
          throw toStoreError(`announcement of partition ${owner.partition}`, error);
        });
      if (announced.rowCount === 0) throw new StaleEpochError(owner);
    },

    async commit(owner, checkpoint, lateHoursMs, facts = NO_FACTS) {
      const { partition, epoch } = owner;
      const { degradedHoursMs, cutHoursMs, modeChange } = facts;
      const marked = lateHoursMs.length + degradedHoursMs.length + cutHoursMs.length;
      // An earlier attempt, given up as lost, may arrive after a later commit: never backwards.
      const forward = lte(table.nextOffset, checkpoint.nextOffset);
      const attempt = async (at: Pick<Database, "update" | "select" | "insert">) => {
        const updated = await at
          .update(table)
          .set({ ...toRow(checkpoint), ...toLevel(modeChange), updatedAt: sql`now()` })
          .where(and(rowOf(partition), eq(table.epoch, epoch), forward))
          .returning({ epoch: table.epoch });
        if (updated.length > 0) {
          const offsetFrom = checkpoint.nextOffset;
          const mark = { topic, partition, offsetFrom };
          await markDirty(at, { ...mark, cause: "degraded" }, degradedHoursMs);
          await markDirty(at, { ...mark, cause: "expired" }, cutHoursMs);
          await markDirty(at, { ...mark, cause: "late" }, lateHoursMs);
          if (modeChange !== null) await keepModeChange(at, topic, partition, modeChange);
          return true;
        }
        const [row] = await at.select({ epoch: table.epoch }).from(table).where(rowOf(partition));
        return row?.epoch === epoch;
      };
      // A transaction takes two more round trips; mostly there is nothing to mark.
      const isAlone = marked === 0 && modeChange === null;
      const attempted = isAlone ? attempt(db) : db.transaction(attempt);
      const moved = await attempted.catch((error: unknown) => {
        throw toStoreError(`checkpoint of partition ${partition}`, error);
      });
      if (!moved) throw new StaleEpochError(owner);
    },

    async skipExpired(owner, startOffset) {
      const gap = await db
        .transaction((tx) => skipExpired(tx, topic, owner, startOffset))
        .catch((error: unknown) => {
          throw toStoreError(`gap of partition ${owner.partition}`, error);
        });
      if (gap === null) throw new StaleEpochError(owner);
      return gap;
    },
  };
}

function toLevel(change: ModeChange | null) {
  return change === null ? {} : { level: change.level };
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

function toProgress(row: Row): Pick<Ownership, "checkpoint" | "announcedOffset"> {
  const { nextOffset, announcedOffset: kept } = row;
  const announcedOffset = kept !== null && kept > nextOffset ? kept : nextOffset;
  return { checkpoint: toCheckpoint(row), announcedOffset };
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

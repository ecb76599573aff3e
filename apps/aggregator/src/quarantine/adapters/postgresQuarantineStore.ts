import type { Database } from "@trueclick/db/postgres/database";
import {
  quarantineCheckpoints,
  quarantineItems,
  quarantineOverflow,
} from "@trueclick/db/postgres/schema/quarantine";
import { and, eq, sql } from "drizzle-orm";
import type { ItemRow, OverflowRow, QuarantineRow } from "../domain/quarantineRows.ts";
import type { QuarantineStore } from "../ports/quarantineStore.ts";

/** Keeps the quarantine of one topic in `quarantine_items` and `quarantine_overflow`. */
export function createPostgresQuarantineStore(db: Database, topic: string): QuarantineStore {
  const checkpoints = quarantineCheckpoints;
  return {
    async nextOffset(partition) {
      const [row] = await db
        .select({ nextOffset: checkpoints.nextOffset })
        .from(checkpoints)
        .where(and(eq(checkpoints.topic, topic), eq(checkpoints.partition, partition)));
      return row?.nextOffset ?? null;
    },

    async store(partition, rows, nextOffset) {
      const items = rows.filter((row): row is ItemRow => row.kind === "item");
      const overflow = rows.filter((row): row is OverflowRow => row.kind === "overflow");
      await db.transaction(async (transaction) => {
        if (items.length > 0) {
          await transaction
            .insert(quarantineItems)
            .values(items.map((row) => toItem(topic, row)))
            .onConflictDoNothing();
        }
        if (overflow.length > 0) {
          await transaction
            .insert(quarantineOverflow)
            .values(
              overflow.map(({ kind: _, receivedAtMs, ...row }) =>
                toDated(topic, row, receivedAtMs),
              ),
            )
            .onConflictDoNothing();
        }
        await moveForward(transaction, { topic, partition, rows, nextOffset });
      });
    },

    async expire(beforeMs, rowsMax) {
      const before = new Date(beforeMs);
      let gone = 0;
      for (const table of [quarantineItems, quarantineOverflow]) {
        const { rowCount } = await db.execute(sql`
          delete from ${table} where ctid in (
            select ctid from ${table}
            where topic = ${topic} and received_at < ${before} limit ${rowsMax})`);
        gone += rowCount ?? 0;
      }
      return gone;
    },
  };
}

/**
 * Two readers may be at work for a moment: the one that is behind moves nothing back, and what the other
 * has read is not counted again.
 */
async function moveForward(
  transaction: Pick<Database, "select" | "insert" | "update">,
  { topic, partition, rows, nextOffset }: Stretch,
): Promise<void> {
  const checkpoints = quarantineCheckpoints;
  const ofPartition = and(eq(checkpoints.topic, topic), eq(checkpoints.partition, partition));
  const fromOffset = rows.reduce(
    (least, { offset }) => (offset < least ? offset : least),
    nextOffset,
  );
  await transaction
    .insert(checkpoints)
    .values({ topic, partition, nextOffset: fromOffset })
    .onConflictDoNothing();
  const [before] = await transaction
    .select({ nextOffset: checkpoints.nextOffset })
    .from(checkpoints)
    .where(ofPartition)
    .for("update");
  if (before === undefined || before.nextOffset >= nextOffset) return;
  const refused = rows
    .filter(({ offset }) => offset >= before.nextOffset)
    .reduce((sum, row) => sum + (row.kind === "item" ? 1 : row.items), 0);
  await transaction
    .update(checkpoints)
    .set({
      nextOffset,
      refusedTotal: sql`${checkpoints.refusedTotal} + ${refused}`,
      updatedAt: sql`clock_timestamp()`,
    })
    .where(ofPartition);
}

interface Stretch {
  readonly topic: string;
  readonly partition: number;
  readonly rows: readonly QuarantineRow[];
  readonly nextOffset: bigint;
}

function toItem(topic: string, row: ItemRow) {
  const { kind: _, receivedAtMs, bytesBase64, ...fields } = row;
  const bytes = Buffer.from(bytesBase64, "base64");
  return { ...toDated(topic, fields, receivedAtMs), bytes };
}

function toDated<Row extends object>(topic: string, row: Row, receivedAtMs: number) {
  return { ...row, topic, receivedAt: new Date(receivedAtMs) };
}

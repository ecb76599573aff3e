import type { Database } from "@trueclick/db/postgres/database";
import {
  quarantineCheckpoints,
  quarantineItems,
  quarantineOverflow,
} from "@trueclick/db/postgres/schema/quarantine";
import { and, eq, sql } from "drizzle-orm";
import type { ItemRow, OverflowRow } from "../domain/quarantineRows.ts";
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
        // Two readers may be at work for a moment; the one that is behind moves nothing back.
        const forward = sql`greatest(${checkpoints.nextOffset}, excluded.next_offset)`;
        await transaction
          .insert(checkpoints)
          .values({ topic, partition, nextOffset })
          .onConflictDoUpdate({
            target: [checkpoints.topic, checkpoints.partition],
            set: { nextOffset: forward, updatedAt: sql`clock_timestamp()` },
          });
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

function toItem(topic: string, row: ItemRow) {
  const { kind: _, receivedAtMs, bytesBase64, ...fields } = row;
  const bytes = Buffer.from(bytesBase64, "base64");
  return { ...toDated(topic, fields, receivedAtMs), bytes };
}

function toDated<Row extends object>(topic: string, row: Row, receivedAtMs: number) {
  return { ...row, topic, receivedAt: new Date(receivedAtMs) };
}

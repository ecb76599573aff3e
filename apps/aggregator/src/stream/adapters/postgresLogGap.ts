import type { Database } from "@trueclick/db/postgres/database";
import { streamCheckpoints, streamGaps } from "@trueclick/db/postgres/schema/stream";
import { and, eq, isNotNull, sql } from "drizzle-orm";
import { passGap } from "../domain/logGap.ts";
import type { LogGap, Ownership } from "../ports/checkpointStore.ts";
import { archivedStretch, archiveFrontier } from "./postgresArchivedStretch.ts";
import { markDirty } from "./postgresDirtyHours.ts";

type Transaction = Parameters<Parameters<Database["transaction"]>[0]>[0];

/**
 * Moves a checkpoint to where the log begins now, and marks the hours between: see `passGap`. Null
 * when the owner was deposed. Done again, it does the same.
 */
export async function skipExpired(
  tx: Transaction,
  topic: string,
  { partition, epoch, checkpoint, announcedOffset }: Ownership,
  toOffset: bigint,
): Promise<LogGap | null> {
  const { restartOffset: fromOffset } = checkpoint;
  const archived = await archivedStretch(tx, { topic, partition, fromOffset, toOffset });
  const log = { startOffset: toOffset, announcedOffset };
  const passed = passGap(checkpoint, log, archived);
  const { nextOffset, restartOffset, appendTimeMs } = passed.checkpoint;
  const table = streamCheckpoints;
  const owned = and(eq(table.topic, topic), eq(table.partition, partition), eq(table.epoch, epoch));
  const moved = await tx
    .update(table)
    .set({ nextOffset, restartOffset, appendTimeMs, updatedAt: sql`now()` })
    .where(owned)
    .returning({ partition: table.partition });
  if (moved.length === 0) return null;

  const { hoursMs } = archived;
  await markDirty(tx, { topic, partition, offsetFrom: toOffset, cause: "expired" }, hoursMs);
  const gap = { hours: hoursMs.length, archived: passed.archived, unsureUntil: passed.unsureUntil };
  await tx
    .insert(streamGaps)
    .values({ topic, partition, offsetFrom: fromOffset, offsetTo: toOffset, ...gap })
    .onConflictDoUpdate({
      target: [streamGaps.topic, streamGaps.partition, streamGaps.offsetFrom],
      set: { offsetTo: toOffset, ...gap },
    });
  return { fromOffset, toOffset, hours: gap.hours, archived: gap.archived };
}

/**
 * Comes back to gaps of which the archive lacked something when they were found. Where it has come
 * past all that may be wrong for it, the hours of that are marked.
 */
export async function settleGaps(db: Database, topic: string): Promise<void> {
  const table = streamGaps;
  const unsure = await db
    .select()
    .from(table)
    .where(and(eq(table.topic, topic), isNotNull(table.unsureUntil)));
  for (const { partition, offsetFrom, offsetTo, unsureUntil } of unsure) {
    if (unsureUntil === null || (await archiveFrontier(db, topic, partition)) < unsureUntil)
      continue;
    await db.transaction(async (tx) => {
      const stretch = { topic, partition, fromOffset: offsetFrom };
      const lost = await archivedStretch(tx, { ...stretch, toOffset: offsetTo });
      const { hoursMs } = await archivedStretch(tx, { ...stretch, toOffset: unsureUntil });
      await markDirty(tx, { topic, partition, offsetFrom: unsureUntil, cause: "expired" }, hoursMs);
      await tx
        .update(table)
        .set({ unsureUntil: null, archived: lost.isWhole, hours: lost.hoursMs.length })
        .where(
          and(
            eq(table.topic, topic),
            eq(table.partition, partition),
            eq(table.offsetFrom, offsetFrom),
            eq(table.unsureUntil, unsureUntil),
          ),
        );
    });
  }
}

import type { Database } from "@trueclick/db/postgres/database";
import { archiveCheckpoints, archiveObjects } from "@trueclick/db/postgres/schema/archive";
import { streamCheckpoints, streamGaps } from "@trueclick/db/postgres/schema/stream";
import { and, eq, gte, lt, sql } from "drizzle-orm";
import type { LogGap, Ownership } from "../ports/checkpointStore.ts";
import { markDirty } from "./postgresDirtyHours.ts";

type Transaction = Parameters<Parameters<Database["transaction"]>[0]>[0];

/**
 * Moves a checkpoint to where the log begins now, and marks the hours between. The watermark stays:
 * what it had closed stays closed. Null when the owner was deposed.
 */
export async function skipExpired(
  tx: Transaction,
  topic: string,
  { partition, epoch, checkpoint }: Ownership,
  startOffset: bigint,
): Promise<LogGap | null> {
  const table = streamCheckpoints;
  const owned = and(eq(table.topic, topic), eq(table.partition, partition), eq(table.epoch, epoch));
  const moved = await tx
    .update(table)
    .set({
      nextOffset: sql`greatest(${table.nextOffset}, ${startOffset})`,
      restartOffset: startOffset,
      updatedAt: sql`now()`,
    })
    .where(owned)
    .returning({ partition: table.partition });
  if (moved.length === 0) return null;

  const fromOffset = checkpoint.restartOffset;
  const lost = await tx
    .selectDistinct({ eventHour: archiveObjects.eventHour })
    .from(archiveObjects)
    .where(
      and(
        eq(archiveObjects.topic, topic),
        eq(archiveObjects.partition, partition),
        gte(archiveObjects.lastOffset, fromOffset),
        lt(archiveObjects.firstOffset, startOffset),
      ),
    );
  const hoursMs = lost.map(({ eventHour }) => eventHour.getTime());
  await markDirty(tx, { topic, partition, offsetFrom: startOffset, cause: "expired" }, hoursMs);
  const [archive] = await tx
    .select({ nextOffset: archiveCheckpoints.nextOffset })
    .from(archiveCheckpoints)
    .where(and(eq(archiveCheckpoints.topic, topic), eq(archiveCheckpoints.partition, partition)));
  const archived = (archive?.nextOffset ?? 0n) >= startOffset;
  const gap = { offsetFrom: fromOffset, offsetTo: startOffset, hours: hoursMs.length, archived };
  await tx
    .insert(streamGaps)
    .values({ topic, partition, ...gap })
    .onConflictDoUpdate({
      target: [streamGaps.topic, streamGaps.partition, streamGaps.offsetFrom],
      set: { offsetTo: startOffset, hours: gap.hours, archived },
    });
  return { fromOffset, toOffset: startOffset, hours: gap.hours, archived };
}

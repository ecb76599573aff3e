/** What the stream and the rollup tell of the hot store, for tests that stand in for them. */
import type { Database } from "../postgres/database.ts";
import { hotRollups, streamDirtyHours } from "../postgres/schema/stream.ts";

/** Moves the border up to which hours are rolled up. */
export async function moveRollup(db: Database, topic: string, atMs: number): Promise<void> {
  const rolledThrough = new Date(atMs);
  await db
    .insert(hotRollups)
    .values({ topic, rolledThrough })
    .onConflictDoUpdate({ target: hotRollups.topic, set: { rolledThrough } });
}

/** Marks an hour for a late event, as the stream does with its checkpoint. */
export async function markLateHour(db: Database, topic: string, hourMs: number): Promise<void> {
  const key = { topic, eventHour: new Date(hourMs), cause: "late" as const };
  const markedAt = new Date();
  await db
    .insert(streamDirtyHours)
    .values({ ...key, markedAt })
    .onConflictDoUpdate({
      target: [streamDirtyHours.topic, streamDirtyHours.eventHour, streamDirtyHours.cause],
      set: { markedAt },
    });
}

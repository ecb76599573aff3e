import type { Database } from "@trueclick/db/postgres/database";
import { streamLevelChanges } from "@trueclick/db/postgres/schema/stream";
import { and, asc, desc, eq, gt, lte } from "drizzle-orm";
import type { ModeChange } from "../domain/countingMode.ts";

/** Most changes that a restart reads. Levels change minutes apart; a restart reads back an hour. */
const CHANGES_MAX = 10_000;

type Row = typeof streamLevelChanges.$inferSelect;

/** How a partition is counted from an offset on, by ascending offset. */
export async function countingModesFrom(
  db: Pick<Database, "select">,
  topic: string,
  partition: number,
  offset: bigint,
): Promise<ModeChange[]> {
  const table = streamLevelChanges;
  const own = and(eq(table.topic, topic), eq(table.partition, partition));
  const governing = await db
    .select()
    .from(table)
    .where(and(own, lte(table.offsetFrom, offset)))
    .orderBy(desc(table.offsetFrom))
    .limit(1);
  const later = await db
    .select()
    .from(table)
    .where(and(own, gt(table.offsetFrom, offset)))
    .orderBy(asc(table.offsetFrom))
    .limit(CHANGES_MAX);
  return [...governing, ...later].map(toModeChange);
}

/** Keeps a change. A commit that is repeated, however late, brings the same one again. */
export async function keepModeChange(
  db: Pick<Database, "insert">,
  topic: string,
  partition: number,
  { offsetFrom, level, allowedLatenessMs, cause }: ModeChange,
): Promise<void> {
  await db
    .insert(streamLevelChanges)
    .values({ topic, partition, offsetFrom, level, allowedLatenessMs, cause })
    .onConflictDoNothing();
}

function toModeChange({ offsetFrom, level, allowedLatenessMs, cause }: Row): ModeChange {
  return { offsetFrom, level, allowedLatenessMs, cause };
}

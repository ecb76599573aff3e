import { sql } from "drizzle-orm";
import { z } from "zod";
import { logEndsSeen } from "../postgres/schema/log.ts";
import type { Stores } from "../stores.ts";

const thereSchema = z.object({ there: z.boolean() });
const endSchema = z.object({
  topic: z.string(),
  partition: z.number(),
  next_offset: z.string().transform(BigInt),
});

/** Names a partition of a topic. */
export const logKeyOf = ({ topic, partition }: { topic: string; partition: number }) =>
  `${topic}/${partition}`;

/**
 * Of each partition of the log, the offset that its next record gets, by `logKeyOf`: as it is, or, of a log
 * that is a Kafka, as it was when a reader of the archive asked it last.
 */
export async function logEnds({ db }: Pick<Stores, "db">): Promise<ReadonlyMap<string, bigint>> {
  const seen = await db.select().from(logEndsSeen);
  const [found] = (
    await db.execute(sql`select to_regclass('event_log.partitions') is not null as there`)
  ).rows;
  const ends = new Map(seen.map((row) => [logKeyOf(row), row.endOffset]));
  if (!thereSchema.parse(found).there) return ends;
  const { rows } = await db.execute(sql`
    select topic, partition, next_offset::text
    from event_log.partitions join event_log.topics using (topic_id)`);
  for (const row of rows.map((one) => endSchema.parse(one)))
    ends.set(logKeyOf(row), row.next_offset);
  return ends;
}

/**
 * Asks a topic where its partitions end and writes it down, with when it was asked. What others have written
 * since stays.
 *
 * @throws what `ask` throws; then nothing is written.
 */
export async function noteLogEnds(
  { db }: Pick<Stores, "db">,
  topic: string,
  ask: () => Promise<readonly bigint[]>,
): Promise<void> {
  // Before the log is asked, by the one clock of all who ask.
  const [now] = (await db.execute<{ now: string }>(sql`select clock_timestamp()::text as now`))
    .rows;
  const ends = await ask();
  if (now === undefined || ends.length === 0) return;
  const seenAt = sql`${now.now}::timestamptz`;
  await db
    .insert(logEndsSeen)
    .values(ends.map((endOffset, partition) => ({ topic, partition, endOffset, seenAt })))
    .onConflictDoUpdate({
      target: [logEndsSeen.topic, logEndsSeen.partition],
      set: { endOffset: sql`excluded.end_offset`, seenAt: sql`excluded.seen_at` },
      setWhere: sql`${logEndsSeen.seenAt} < excluded.seen_at`,
    });
}

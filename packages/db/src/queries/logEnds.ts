import { sql } from "drizzle-orm";
import { z } from "zod";
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
 * Of each partition of the log, the offset that its next record gets, by `logKeyOf`. Empty where the log
 * is a Kafka: its end is known to its own tools, and to whoever reads it.
 */
export async function logEnds({ db }: Pick<Stores, "db">): Promise<ReadonlyMap<string, bigint>> {
  const [found] = (
    await db.execute(sql`select to_regclass('event_log.partitions') is not null as there`)
  ).rows;
  if (!thereSchema.parse(found).there) return new Map();
  const { rows } = await db.execute(sql`
    select topic, partition, next_offset::text
    from event_log.partitions join event_log.topics using (topic_id)`);
  return new Map(
    rows.map((row) => endSchema.parse(row)).map((end) => [logKeyOf(end), end.next_offset]),
  );
}

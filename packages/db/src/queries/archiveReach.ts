import { sql } from "drizzle-orm";
import { z } from "zod";
import type { Stores } from "../stores.ts";

/** Up to when the archive has read a log, whole. */
export interface ArchiveReach {
  /** All that any partition had taken by then, by the log's clock, is archived; epoch milliseconds. */
  readonly readThroughMs: number;
  /** By partition, the first offset that is not archived. */
  readonly nextOffsets: Readonly<Record<string, string>>;
}

const partitionSchema = z.object({
  partition: z.number(),
  next_offset: z.string().nullable(),
  read_through: z.coerce.number().nullable(),
});

/**
 * How far the archive of a topic is, in time. Of a partition that takes records it is the append time of the
 * newest that is archived; of one that takes none, when the log was asked where it ends and the archive was
 * there. The least of all partitions, those that the archive has never read among them: null until each was
 * asked and read.
 *
 * A partition's clock may be set back, and an append may be under way: what is taken for read by then should
 * lie an allowed lateness before.
 */
export async function archiveReach(
  { db }: { readonly db: Pick<Stores["db"], "execute"> },
  topic: string,
): Promise<ArchiveReach | null> {
  const { rows } = await db.execute(sql`
    select partition, read.next_offset::text, floor(extract(epoch from greatest(
      case when read.next_offset >= ends.end_offset then ends.seen_at end,
      -- A clock of the log that is ahead vouches for nothing that has yet to come.
      case when ends.seen_at is not null and last.newest_append_ms is not null
        then least(to_timestamp(last.newest_append_ms / 1000.0), now()) end
    )) * 1000) as read_through
    from (select * from log_ends where topic = ${topic}) as ends
    full join (select * from archive_checkpoints where topic = ${topic}) as read using (partition)
    left join lateral (
      select newest_append_ms from archive_stretches as stretch
      where stretch.topic = ${topic} and stretch.partition = read.partition
      order by first_offset desc limit 1
    ) as last on true`);
  const partitions = rows.map((row) => partitionSchema.parse(row));
  const nextOffsets: Record<string, string> = {};
  let readThroughMs = Infinity;
  for (const { partition, next_offset: next, read_through: throughMs } of partitions) {
    if (next === null || throughMs === null) return null;
    nextOffsets[partition] = next;
    readThroughMs = Math.min(readThroughMs, throughMs);
  }
  return partitions.length === 0 ? null : { readThroughMs, nextOffsets };
}

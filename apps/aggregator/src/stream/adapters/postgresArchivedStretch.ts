import type { Database } from "@trueclick/db/postgres/database";
import {
  archiveCheckpoints,
  archiveObjects,
  archiveStretches,
} from "@trueclick/db/postgres/schema/archive";
import { and, eq, gte, lt, sql } from "drizzle-orm";
import type { ArchivedStretch } from "../domain/logGap.ts";

/** Offsets of one partition. */
interface Stretch {
  readonly topic: string;
  readonly partition: number;
  readonly fromOffset: bigint;
  /** Exclusive. */
  readonly toOffset: bigint;
}

type Reader = Pick<Database, "select" | "selectDistinct">;

/**
 * What the manifest says of a stretch of the log. An archived stretch that is longer counts with all
 * of it: its hours and its append times are more than were asked for, and never less.
 */
export async function archivedStretch(
  db: Reader,
  { topic, partition, fromOffset, toOffset }: Stretch,
): Promise<ArchivedStretch> {
  const { firstOffset, lastOffset, newestAppendMs } = archiveStretches;
  // They do not overlap, so that their lengths add up.
  const [held] = await db
    .select({
      offsets: sql<string>`coalesce(sum(
        least(${lastOffset} + 1, ${toOffset}) - greatest(${firstOffset}, ${fromOffset})), 0)::text`,
      isTimed: sql<boolean>`coalesce(bool_and(${newestAppendMs} is not null), false)`,
      newestMs: sql<number | null>`max(${newestAppendMs})::float8`,
    })
    .from(archiveStretches)
    .where(
      and(
        eq(archiveStretches.topic, topic),
        eq(archiveStretches.partition, partition),
        gte(lastOffset, fromOffset),
        lt(firstOffset, toOffset),
      ),
    );
  // After the stretches: what is whole by them has all its objects here.
  const objects = await db
    .selectDistinct({ eventHour: archiveObjects.eventHour })
    .from(archiveObjects)
    .where(
      and(
        eq(archiveObjects.topic, topic),
        eq(archiveObjects.partition, partition),
        gte(archiveObjects.lastOffset, fromOffset),
        lt(archiveObjects.firstOffset, toOffset),
      ),
    );
  return {
    hoursMs: objects.map(({ eventHour }) => eventHour.getTime()),
    isWhole: BigInt(held?.offsets ?? 0) === toOffset - fromOffset,
    newestAppendMs: held?.isTimed === true ? held.newestMs : null,
  };
}

/** The next offset that the archive of a partition will take; 0 before it takes any. */
export async function archiveFrontier(
  db: Reader,
  topic: string,
  partition: number,
): Promise<bigint> {
  const [archive] = await db
    .select({ nextOffset: archiveCheckpoints.nextOffset })
    .from(archiveCheckpoints)
    .where(and(eq(archiveCheckpoints.topic, topic), eq(archiveCheckpoints.partition, partition)));
  return archive?.nextOffset ?? 0n;
}

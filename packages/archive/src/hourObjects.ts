import type { Database } from "@trueclick/db/postgres/database";
import { archiveObjects } from "@trueclick/db/postgres/schema/archive";
import type { InstantRange } from "@trueclick/shared/calendar";
import { and, asc, eq, gte, isNull, lt } from "drizzle-orm";
import type { HourObject } from "./domain/manifestObject.ts";
import { hourStartMs } from "./domain/objectPath.ts";

/**
 * The objects that hold every archived event whose hour lies in, or overlaps, a range of event time;
 * by hour, partition and offset, which is the order of the log within each hour and partition. One
 * statement, so one snapshot: no event lies in two of them and none is missing.
 *
 * Read them with `ClickHouseObjects.rowsOf(paths)`, and check what you read against `rows`: the
 * engine takes a missing object for an empty one.
 */
export async function listHourObjects(
  db: Pick<Database, "select">,
  topic: string,
  { fromMs, toMs }: InstantRange,
): Promise<HourObject[]> {
  const rows = await db
    .select({
      path: archiveObjects.path,
      partition: archiveObjects.partition,
      firstOffset: archiveObjects.firstOffset,
      lastOffset: archiveObjects.lastOffset,
      eventHour: archiveObjects.eventHour,
      rows: archiveObjects.rows,
      bytes: archiveObjects.bytes,
      sha256: archiveObjects.sha256,
    })
    .from(archiveObjects)
    .where(
      and(
        eq(archiveObjects.topic, topic),
        isNull(archiveObjects.compactedInto),
        gte(archiveObjects.eventHour, new Date(hourStartMs(fromMs))),
        lt(archiveObjects.eventHour, new Date(toMs)),
      ),
    )
    .orderBy(
      asc(archiveObjects.eventHour),
      asc(archiveObjects.partition),
      asc(archiveObjects.firstOffset),
    );
  return rows.map(({ eventHour, rows: count, bytes, ...object }) => ({
    ...object,
    eventHourMs: eventHour.getTime(),
    rows: Number(count),
    bytes: Number(bytes),
  }));
}

import type { Database } from "@trueclick/db/postgres/database";
import {
  archiveCheckpoints,
  archiveObjects,
  archiveStretches,
} from "@trueclick/db/postgres/schema/archive";
import { and, asc, count, eq, sql, sum } from "drizzle-orm";
import type { AuditedStretch } from "../domain/manifestAudit.ts";
import type { ManifestReader, RecordedObject } from "./manifestReader.ts";

const PAGE_ROWS = 10_000;

const isOfStretch = and(
  eq(archiveStretches.topic, archiveObjects.topic),
  eq(archiveStretches.partition, archiveObjects.partition),
  eq(archiveStretches.firstOffset, archiveObjects.firstOffset),
  eq(archiveStretches.lastOffset, archiveObjects.lastOffset),
  // A compacted object may have the offsets of a stretch, too.
  eq(archiveObjects.mergedObjects, 0),
);

/** Reads the manifest of one topic by keyset pages: no page holds the database up for long. */
export function createPostgresManifestReader(
  db: Pick<Database, "select">,
  topic: string,
): ManifestReader {
  return {
    stretches: () => pages((last: AuditedStretch | null) => stretchesAfter(db, topic, last)),
    objects: () => pages((last: RecordedObject | null) => objectsAfter(db, topic, last)),
    checkpoints: () =>
      db
        .select({
          partition: archiveCheckpoints.partition,
          startOffset: archiveCheckpoints.startOffset,
          nextOffset: archiveCheckpoints.nextOffset,
        })
        .from(archiveCheckpoints)
        .where(eq(archiveCheckpoints.topic, topic))
        .orderBy(asc(archiveCheckpoints.partition)),
    async size() {
      const [size] = await db
        .select({ objects: count(), bytes: sum(archiveObjects.bytes) })
        .from(archiveObjects)
        .where(eq(archiveObjects.topic, topic));
      return { objects: size?.objects ?? 0, bytes: BigInt(size?.bytes ?? "0") };
    },
  };
}

async function* pages<Row>(
  rowsAfter: (last: Row | null) => Promise<readonly Row[]>,
): AsyncGenerator<Row> {
  let last: Row | null = null;
  while (true) {
    const rows: readonly Row[] = await rowsAfter(last);
    yield* rows;
    last = rows.at(-1) ?? null;
    if (last === null) return;
  }
}

function stretchesAfter(db: Pick<Database, "select">, topic: string, last: AuditedStretch | null) {
  const { partition, firstOffset, lastOffset, events } = archiveStretches;
  const position = sql`(${partition}, ${firstOffset})`;
  return db
    .select({
      partition,
      firstOffset,
      lastOffset,
      events,
      rows: sql<bigint>`coalesce(sum(${archiveObjects.rows}), 0)`.mapWith(BigInt),
    })
    .from(archiveStretches)
    .leftJoin(archiveObjects, isOfStretch)
    .where(
      and(
        eq(archiveStretches.topic, topic),
        last === null ? undefined : sql`${position} > (${last.partition}, ${last.firstOffset})`,
      ),
    )
    .groupBy(partition, firstOffset, lastOffset, events)
    .orderBy(asc(partition), asc(firstOffset))
    .limit(PAGE_ROWS);
}

async function objectsAfter(
  db: Pick<Database, "select">,
  topic: string,
  last: RecordedObject | null,
): Promise<RecordedObject[]> {
  const { eventHour, partition, firstOffset, path } = archiveObjects;
  const position = sql`(${eventHour}, ${partition}, ${firstOffset}, ${path})`;
  const objects = await db
    .select({ object: archiveObjects, stretch: archiveStretches.firstOffset })
    .from(archiveObjects)
    .leftJoin(archiveStretches, isOfStretch)
    .where(
      and(
        eq(archiveObjects.topic, topic),
        last === null
          ? undefined
          : sql`${position} > (${new Date(last.eventHourMs).toISOString()}::timestamptz, ${last.partition}, ${last.firstOffset}, ${last.path})`,
      ),
    )
    .orderBy(asc(eventHour), asc(partition), asc(firstOffset), asc(path))
    .limit(PAGE_ROWS);
  return objects.map(({ object, stretch }) => ({
    path: object.path,
    partition: object.partition,
    firstOffset: object.firstOffset,
    lastOffset: object.lastOffset,
    eventHourMs: object.eventHour.getTime(),
    rows: Number(object.rows),
    bytes: Number(object.bytes),
    sha256: object.sha256,
    mergedObjects: object.mergedObjects,
    compactedInto: object.compactedInto,
    isRemoved: object.removedAt !== null,
    hasStretch: stretch !== null || object.mergedObjects > 0,
  }));
}

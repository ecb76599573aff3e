import type { Database } from "@trueclick/db/postgres/database";
import {
  archiveCheckpoints,
  archiveObjects,
  archiveStretches,
} from "@trueclick/db/postgres/schema/archive";
import { and, asc, eq, gt, sql } from "drizzle-orm";
import type { AuditedStretch } from "../domain/manifestAudit.ts";
import type { ManifestReader, PartitionObject } from "./manifestReader.ts";

const PAGE_ROWS = 10_000;

const ofSameStretch = and(
  eq(archiveStretches.topic, archiveObjects.topic),
  eq(archiveStretches.partition, archiveObjects.partition),
  eq(archiveStretches.firstOffset, archiveObjects.firstOffset),
  eq(archiveStretches.lastOffset, archiveObjects.lastOffset),
);

/** Reads the manifest of one topic by keyset pages: no page holds the database up for long. */
export function createPostgresManifestReader(db: Database, topic: string): ManifestReader {
  return {
    stretches: () => pages((last: AuditedStretch | null) => stretchesAfter(db, topic, last)),
    objects: () => pages((last: PartitionObject | null) => objectsAfter(db, topic, last)),
    checkpoints: () =>
      db
        .select({
          partition: archiveCheckpoints.partition,
          nextOffset: archiveCheckpoints.nextOffset,
        })
        .from(archiveCheckpoints)
        .where(eq(archiveCheckpoints.topic, topic))
        .orderBy(asc(archiveCheckpoints.partition)),
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

function stretchesAfter(db: Database, topic: string, last: AuditedStretch | null) {
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
    .leftJoin(archiveObjects, ofSameStretch)
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
  db: Database,
  topic: string,
  last: PartitionObject | null,
): Promise<PartitionObject[]> {
  const objects = await db
    .select({
      path: archiveObjects.path,
      partition: archiveObjects.partition,
      eventHour: archiveObjects.eventHour,
      rows: archiveObjects.rows,
      bytes: archiveObjects.bytes,
      sha256: archiveObjects.sha256,
      stretch: archiveStretches.firstOffset,
    })
    .from(archiveObjects)
    .leftJoin(archiveStretches, ofSameStretch)
    .where(
      and(
        eq(archiveObjects.topic, topic),
        last === null ? undefined : gt(archiveObjects.path, last.path),
      ),
    )
    .orderBy(asc(archiveObjects.path))
    .limit(PAGE_ROWS);
  return objects.map(({ eventHour, stretch, rows, bytes, ...object }) => ({
    ...object,
    eventHourMs: eventHour.getTime(),
    rows: Number(rows),
    bytes: Number(bytes),
    hasStretch: stretch !== null,
  }));
}

import type { ClickHouseClient } from "@clickhouse/client";
import type { ClickHouseObjects } from "@trueclick/archive/clickhouseObjects";
import { StretchEncoder } from "@trueclick/archive/encode/stretchEncoder";
import { type ArchiveReport, checkArchive } from "@trueclick/archive/manifest/checkArchive";
import { createPostgresManifestReader } from "@trueclick/archive/manifest/postgresManifestReader";
import type { ObjectStore } from "@trueclick/archive/objectStore";
import type { ObjectsSettings } from "@trueclick/archive/objectsSettings";
import { openObjects } from "@trueclick/archive/openObjects";
import { block, NOON_MS } from "@trueclick/archive/testing/storedEvents";
import { type Database, openDatabase } from "@trueclick/db/postgres/database";
import { createMigratedDatabase } from "@trueclick/db/testing/migratedDatabase";
import { migrateTestClickHouse, openTestClickHouse } from "@trueclick/db/testing/testClickHouse";
import type { EventLogReader, TopicReader } from "@trueclick/event-log";
import { partitionOf } from "@trueclick/event-log/partition";
import { createPostgresEventLog } from "@trueclick/event-log/postgres";
import { createTestClickHouseDatabase, createTestObjectsDir } from "@trueclick/local-stack/testing";
import type { StoredEvent } from "@trueclick/shared/event/stored";
import { createClickHouseEventIndex } from "../adapters/clickhouseEventIndex.ts";
import { createPostgresManifest } from "../adapters/postgresManifest.ts";
import type { StretchLimits } from "../domain/stretch.ts";
import { archivePartition } from "../pipeline/archivePartition.ts";
import type { StretchStores } from "../pipeline/archiveStretch.ts";

const TOPIC = "clicks.raw";
export const PARTITIONS = 2;
const EVENTS_PER_BLOCK = 7;

/** Everything from the log to the archive, on real engines. */
export interface ArchiveWorld {
  readonly topic: string;
  readonly databaseUrl: string;
  readonly clickhouseUrl: string;
  readonly db: Database;
  readonly clickhouse: ClickHouseClient;
  readonly objectsDir: string;
  readonly objects: ObjectStore;
  readonly clickhouseObjects: ClickHouseObjects;
  readonly stores: StretchStores;
  readonly reader: TopicReader;
  /** Appends events to the partitions of their ids, in blocks, at an append time. */
  append(events: readonly StoredEvent[], appendTimeMs?: number): Promise<void>;
  appendBlock(partition: number, value: Buffer, appendTimeMs?: number): Promise<void>;
  /** Archives all that the log holds. What the stores throw ends it, as it ends the process. */
  archiveAll(options?: Partial<ArchiveOptions>): Promise<void>;
  check(): Promise<ArchiveReport>;
  close(): Promise<void>;
}

export interface ArchiveOptions {
  readonly limits: StretchLimits;
  readonly stores: StretchStores;
}

export const WIDE: StretchLimits = {
  eventsMax: 10_000,
  bytesMax: 10_000_000,
  hoursMax: 10_000,
};

/** @param settings Where the objects are; a folder of its own unless said. */
export async function openArchiveWorld(settings?: ObjectsSettings): Promise<ArchiveWorld> {
  const [database, clickhouseDatabase, objectsDir] = await Promise.all([
    createMigratedDatabase(),
    createTestClickHouseDatabase(),
    createTestObjectsDir(),
  ]);
  const { db, close: closeDatabase } = openDatabase(database.url, { connectionsMax: 8 });
  const clickhouse = openTestClickHouse(clickhouseDatabase.url);
  await migrateTestClickHouse(clickhouse);

  const log = createPostgresEventLog({ connectionString: database.url });
  const admin = log.admin();
  await admin.ensureTopic(TOPIC, { partitionCount: PARTITIONS, retentionMs: null });
  const reader = await log.reader(TOPIC);
  const opened = openObjects(settings ?? { kind: "folder", dir: objectsDir });
  await opened.prepare(clickhouse);
  const { store: objects, inClickHouse: clickhouseObjects } = opened;
  const encoder = new StretchEncoder();
  const stores: StretchStores = {
    // Here and not in a thread: what that does is tested where it is.
    encoder: { encode: async (stretch) => encoder.encode(stretch) },
    objects,
    index: createClickHouseEventIndex(clickhouse, clickhouseObjects),
    manifest: createPostgresManifest(db, TOPIC),
  };

  return {
    topic: TOPIC,
    databaseUrl: database.url,
    clickhouseUrl: clickhouseDatabase.url,
    db,
    clickhouse,
    objectsDir,
    objects,
    clickhouseObjects,
    stores,
    reader,
    async append(events, appendTimeMs = NOON_MS) {
      const records = blocksOf(events).map((record) => ({ ...record, appendTimeMs }));
      await admin.restore(TOPIC, records);
    },
    appendBlock: (partition, value, appendTimeMs = NOON_MS) =>
      admin.restore(TOPIC, [{ partition, value, appendTimeMs }]),
    archiveAll: async (options) => {
      for (let partition = 0; partition < PARTITIONS; partition += 1) {
        await archiveToEnd(reader, partition, { limits: WIDE, stores, ...options });
      }
    },
    check: () =>
      checkArchive(createPostgresManifestReader(db, TOPIC), objects, { depth: "hashes" }),
    async close() {
      await Promise.all([reader.close(), admin.close(), clickhouse.close()]);
      await closeDatabase();
      await Promise.all([database.drop(), clickhouseDatabase.drop()]);
    },
  };
}

function blocksOf(events: readonly StoredEvent[]) {
  const byPartition = Map.groupBy(events, ({ event_id }) => partitionOf(event_id, PARTITIONS));
  return [...byPartition].flatMap(([partition, own]) => {
    const count = Math.ceil(own.length / EVENTS_PER_BLOCK);
    return Array.from({ length: count }, (_, at) => ({
      partition,
      value: block(own.slice(at * EVENTS_PER_BLOCK, (at + 1) * EVENTS_PER_BLOCK)),
    }));
  });
}

/** Archives a partition until it has reached the end that the log has now. */
export async function archiveToEnd(
  reader: EventLogReader,
  partition: number,
  { limits, stores }: ArchiveOptions,
): Promise<void> {
  const { endOffset } = await reader.offsets(partition);
  const atEnd = new AbortController();
  const readOrEnd: EventLogReader["read"] = async (request) => {
    if (request.fromOffset < endOffset) return reader.read(request);
    atEnd.abort();
    return [];
  };
  await archivePartition(
    {
      ...stores,
      reader: { ...reader, read: readOrEnd, offsets: (p) => reader.offsets(p) },
      limits,
      // Only full stretches, or what is there at the end.
      flushIntervalMs: Number.POSITIVE_INFINITY,
      latestFlushRequest: () => "now",
      nowMs: () => 0,
      onArchived: () => {},
    },
    partition,
    atEnd.signal,
  );
}

import type { ClickHouseClient } from "@clickhouse/client";
import { type Database, openDatabase } from "@trueclick/db/postgres/database";
import { advertisers } from "@trueclick/db/postgres/schema/advertisers";
import { campaigns, rateCards } from "@trueclick/db/postgres/schema/campaigns";
import { streamCheckpoints } from "@trueclick/db/postgres/schema/stream";
import { createMigratedDatabase } from "@trueclick/db/testing/migratedDatabase";
import { migrateTestClickHouse, openTestClickHouse } from "@trueclick/db/testing/testClickHouse";
import type { EventLog, EventLogReader } from "@trueclick/event-log";
import { createPostgresEventLog } from "@trueclick/event-log/postgres";
import { createTestClickHouseDatabase } from "@trueclick/local-stack/testing";
import { advertiserIdSchema, campaignIdSchema } from "@trueclick/shared/ids";
import { MINUTE_MS } from "@trueclick/shared/time";
import { testLeases } from "../../leases/testing/testLeases.ts";
import { composeStream } from "../composeStream.ts";
import type { StreamObserver } from "../ports/streamObserver.ts";

export const TOPIC = "clicks.raw";
export const PARTITIONS = 2;
export const ALLOWED_LATENESS_MS = 2 * MINUTE_MS;
const FLUSH_INTERVAL_MS = 20;

/** Everything from the log to the hot store, on real engines. */
export interface StreamWorld {
  readonly databaseUrl: string;
  readonly clickhouseUrl: string;
  readonly db: Database;
  readonly clickhouse: ClickHouseClient;
  readonly eventLog: EventLog;
  readonly reader: EventLogReader;
  /** Runs the stream role until every partition has been counted to its present end. */
  countAll(): Promise<void>;
  /** Every row that a reader may see, in a fixed order; checkpoints without their epoch. */
  visible(): Promise<Record<"cells" | "users" | "rejects" | "checkpoints", unknown[]>>;
  close(): Promise<void>;
}

/** Opens a world with the campaign `cmp_1` of `adv_1` at a rate of 250,000 micros from time zero. */
export async function openStreamWorld(): Promise<StreamWorld> {
  const database = await createMigratedDatabase();
  const clickhouseDatabase = await createTestClickHouseDatabase();
  const { db, close: closeDatabase } = openDatabase(database.url, { connectionsMax: 8 });
  const clickhouse = openTestClickHouse(clickhouseDatabase.url);
  await migrateTestClickHouse(clickhouse);
  const eventLog = createPostgresEventLog({ connectionString: database.url });
  const topic = { partitionCount: PARTITIONS, retentionMs: null };
  await eventLog.admin().ensureTopic(TOPIC, topic);
  const reader = await eventLog.reader(TOPIC);
  await addCampaign(db);

  return {
    databaseUrl: database.url,
    clickhouseUrl: clickhouseDatabase.url,
    db,
    clickhouse,
    eventLog,
    reader,
    countAll: () => countAll(db, clickhouse, reader),
    visible: () => visibleRows(db, clickhouse),
    async close() {
      await reader.close();
      await clickhouse.close();
      await closeDatabase();
      await clickhouseDatabase.drop();
      await database.drop();
    },
  };
}

async function addCampaign(db: Database): Promise<void> {
  const advertiserId = advertiserIdSchema.parse("adv_1");
  const campaignId = campaignIdSchema.parse("cmp_1");
  const createdAt = new Date(0);
  const effectiveFrom = createdAt;
  await db
    .insert(advertisers)
    .values({ id: advertiserId, name: "One", timeZone: "Asia/Kathmandu", currency: "EUR" });
  await db.insert(campaigns).values({ id: campaignId, advertiserId, name: "First", createdAt });
  await db.insert(rateCards).values({ campaignId, effectiveFrom, cpcMicros: 250_000n, createdAt });
}

async function countAll(db: Database, clickhouse: ClickHouseClient, log: EventLogReader) {
  const behind = new Map<number, bigint>();
  for (let partition = 0; partition < log.partitionCount; partition += 1) {
    behind.set(partition, (await log.offsets(partition)).endOffset);
  }
  const stopping = new AbortController();
  const arrived = (partition: number, nextOffset: bigint) => {
    if (nextOffset >= (behind.get(partition) ?? 0n)) behind.delete(partition);
    if (behind.size === 0) stopping.abort();
  };
  const observer: StreamObserver = {
    owned: (partition, _epoch, { nextOffset }) => arrived(partition, nextOffset),
    flushed: (partition, { checkpoint }) => arrived(partition, checkpoint.nextOffset),
    retrying: () => {},
    recovered: () => {},
    stopped: () => {},
    expired: () => {},
    released: () => {},
  };
  const leases = testLeases(db, { name: "stream", log });
  const settings = { allowedLatenessMs: ALLOWED_LATENESS_MS, flushIntervalMs: FLUSH_INTERVAL_MS };
  const signals = { stopping: stopping.signal, deadline: new AbortController().signal };
  await composeStream({ log, db, clickhouse, observer, leases, settings }, signals);
}

async function visibleRows(db: Database, clickhouse: ClickHouseClient) {
  const select = async (sql: string): Promise<unknown[]> => {
    const answer = await clickhouse.query({ query: sql, format: "JSONEachRow" });
    return answer.json();
  };
  const cells = await select(`
    SELECT * EXCEPT (written_at) FROM hot_minutes FINAL
    ORDER BY advertiser_id, cube, campaign_id, window_start, dimension_value, partition`);
  const users = await select(`
    SELECT advertiser_id, campaign_id, event_hour, uniqCombined64Merge(users) AS users
    FROM hot_users GROUP BY ALL ORDER BY ALL`);
  const rejects = await select(`
    SELECT * FROM stream_rejects FINAL ORDER BY partition, offset, \`index\``);
  const { topic, partition, nextOffset, restartOffset, watermarkMs, appendTimeMs } =
    streamCheckpoints;
  const { countedTotal, duplicateTotal, invalidTotal, lateTotal } = streamCheckpoints;
  const totals = { countedTotal, duplicateTotal, invalidTotal, lateTotal };
  const checkpoints = await db
    .select({ topic, partition, nextOffset, restartOffset, watermarkMs, appendTimeMs, ...totals })
    .from(streamCheckpoints)
    .orderBy(partition);
  return { cells, users, rejects, checkpoints };
}

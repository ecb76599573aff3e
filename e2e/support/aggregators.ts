/** Aggregators as the processes that they are in production: killable, on engines of their own. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openClickHouse } from "@trueclick/db/clickhouse/client";
import { migrateClickHouse } from "@trueclick/db/clickhouse/migrate";
import { type Database, openDatabase } from "@trueclick/db/postgres/database";
import { migratePostgres } from "@trueclick/db/postgres/migrate";
import type { Stores } from "@trueclick/db/stores";
import type { EventLog } from "@trueclick/event-log";
import { createKafkaEventLog } from "@trueclick/event-log/kafka";
import { startClickHouse } from "@trueclick/local-stack/clickhouse";
import { type LocalKafka, startLocalKafka } from "@trueclick/local-stack/kafka";
import { startEmbeddedPostgres } from "@trueclick/local-stack/postgres";

/** Programs of a run share what Node has compiled of them. */
const { PATH = "", NODE_COMPILE_CACHE = "" } = process.env;
const MAIN = fileURLToPath(new URL("../../apps/aggregator/src/main.ts", import.meta.url));

export const TOPIC = "clicks.raw";
const silent = () => {};

/** Engines of one test, and aggregators on them. */
export interface Cluster {
  readonly dir: string;
  readonly db: Database;
  readonly clickhouse: Stores["clickhouse"];
  readonly log: EventLog;
  readonly kafka: LocalKafka;
  /** Starts a further aggregator. It takes its share of the partitions by itself. */
  start(): ChildProcess;
  close(): Promise<void>;
}

/** Starts PostgreSQL, ClickHouse and Kafka in a folder of their own, with an empty topic. */
export async function startCluster(
  partitionCount: number,
  settings: Readonly<Record<string, string>>,
): Promise<Cluster> {
  const dir = mkdtempSync(join(tmpdir(), "trueclick-cluster-"));
  const objectsDir = join(dir, "objects");
  mkdirSync(objectsDir);
  const [postgres, clickhouseProcess, kafka] = await Promise.all([
    startEmbeddedPostgres({
      ...{ dataDir: join(dir, "postgres"), port: 0, password: "test", log: silent },
      // No test here cuts the power.
      settings: { fsync: "off" },
    }),
    startClickHouse({ dataDir: join(dir, "clickhouse"), port: 0, log: silent }),
    startLocalKafka({ dir: join(dir, "kafka"), log: silent }),
  ]);
  await migratePostgres(postgres.url);
  const database = openDatabase(postgres.url, { connectionsMax: 8 });
  const clickhouse = openClickHouse(clickhouseProcess.url);
  await migrateClickHouse(clickhouse);
  const log = createKafkaEventLog({ brokers: [kafka.brokers], clientId: "trueclick-e2e" });
  const admin = log.admin();
  await admin.ensureTopic(TOPIC, { partitionCount, retentionMs: null });
  await admin.close();

  const said = createWriteStream(join(dir, "aggregators.log"));
  const children: ChildProcess[] = [];
  return {
    ...{ dir, db: database.db, clickhouse, log, kafka },
    start() {
      const child = spawn(process.execPath, [MAIN], {
        env: {
          PATH,
          NODE_COMPILE_CACHE,
          DATABASE_URL: postgres.url,
          CLICKHOUSE_URL: clickhouseProcess.url,
          KAFKA_BROKERS: kafka.brokers,
          EVENTS_TOPIC: TOPIC,
          OBJECTS_DIR: objectsDir,
          AGGREGATOR_ROLES: "stream,archive",
          ...settings,
        },
        stdio: ["ignore", "pipe", "pipe"],
      });
      child.stdout?.pipe(said, { end: false });
      child.stderr?.pipe(said, { end: false });
      children.push(child);
      return child;
    },
    async close() {
      await Promise.all(children.map((child) => end(child, "SIGKILL")));
      await Promise.all([database.close(), clickhouse.close()]);
      await Promise.all([kafka.stop(), postgres.stop(), clickhouseProcess.stop()]);
      said.end();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Ends an aggregator and waits until it is gone. */
export async function end(child: ChildProcess, signal: "SIGTERM" | "SIGKILL"): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill(signal);
  await gone;
}

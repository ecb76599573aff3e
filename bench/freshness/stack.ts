/** The whole way of a click, from the edge to the report, on engines and processes of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openClickHouse } from "@trueclick/db/clickhouse/client";
import { migrateClickHouse } from "@trueclick/db/clickhouse/migrate";
import { type Database, openDatabase } from "@trueclick/db/postgres/database";
import { migratePostgres } from "@trueclick/db/postgres/migrate";
import { advertisers } from "@trueclick/db/postgres/schema/advertisers";
import { campaigns, rateCards } from "@trueclick/db/postgres/schema/campaigns";
import { apiKeys, sourceKeys, sources } from "@trueclick/db/postgres/schema/keys";
import { startClickHouse } from "@trueclick/local-stack/clickhouse";
import { startLocalKafka } from "@trueclick/local-stack/kafka";
import { claimPort } from "@trueclick/local-stack/ports";
import { startEmbeddedPostgres } from "@trueclick/local-stack/postgres";
import { advertiserIdSchema, campaignIdSchema, sourceIdSchema } from "@trueclick/shared/ids";
import { answers } from "../harness/answers.ts";
import { makeBenchFolder } from "../harness/benchFolder.ts";
import { endWeb, startWeb } from "../report/world.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PARTITIONS = "4";
const KEY = "tcs_freshness";
const API_KEY = "tca_freshness";

export const LOGS = ["postgres", "kafka"] as const;
export type LogName = (typeof LOGS)[number];

export interface FreshnessStack {
  /** `POST` here with `authorization`. */
  readonly eventsUrl: string;
  readonly authorization: string;
  /** `GET` here with `reportAuthorization`. */
  readonly reportUrl: string;
  readonly reportAuthorization: string;
  close(): Promise<void>;
}

/** Campaign of the clicks whose way is timed, and those of the load around them. */
export const PROBE_CAMPAIGN = "cmp-probe";
export const LOAD_CAMPAIGNS = Array.from({ length: 20 }, (_none, at) => `cmp-load-${at}`);

/** Starts everything, the edge and the aggregator as processes, and waits until both are ready. */
export async function startStack(logName: LogName): Promise<FreshnessStack> {
  const dir = await makeBenchFolder();
  const silent = () => {};
  const [postgres, clickhouseProcess, kafka] = await Promise.all([
    startEmbeddedPostgres({
      ...{ dataDir: join(dir, "postgres"), port: 0, password: "bench", log: silent },
    }),
    startClickHouse({ dataDir: join(dir, "clickhouse"), port: 0, log: silent }),
    logName === "kafka" ? startLocalKafka({ dir: join(dir, "kafka"), log: silent }) : null,
  ]);
  await migratePostgres(postgres.url);
  const { db, close } = openDatabase(postgres.url, { connectionsMax: 4 });
  const clickhouse = openClickHouse(clickhouseProcess.url);
  await migrateClickHouse(clickhouse);
  await seed(db);
  await Promise.all([close(), clickhouse.close()]);

  const [ingestPort, opsPort] = [await claimPort(0, "edge"), await claimPort(0, "aggregator")];
  const env = {
    DATABASE_URL: postgres.url,
    CLICKHOUSE_URL: clickhouseProcess.url,
    EVENTS_PARTITIONS: PARTITIONS,
    IP_HASH_KEY: "0123456789abcdef0123456789abcdef",
    LOG_LEVEL: "warn",
    INGEST_PORT: String(ingestPort),
    AGGREGATOR_PORT: String(opsPort),
    AGGREGATOR_ROLES: "stream",
    ...(kafka === null ? {} : { KAFKA_BROKERS: kafka.brokers }),
  };
  const children = ["ingest", "aggregator"].map((app) => startApp(app, env));
  await answers(`http://127.0.0.1:${ingestPort}/readyz`);
  await answers(`http://127.0.0.1:${opsPort}/readyz`);
  const web = await startWeb(postgres.url, clickhouseProcess.url);
  return {
    eventsUrl: `http://127.0.0.1:${ingestPort}/v1/events`,
    authorization: `Bearer ${KEY}`,
    reportUrl: `${web.url}/api/v1/report`,
    reportAuthorization: `Bearer ${API_KEY}`,
    async close() {
      await Promise.all([...children.map(end), endWeb(web)]);
      await Promise.all([postgres.stop(), clickhouseProcess.stop(), kafka?.stop()]);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

async function seed(db: Database): Promise<void> {
  const advertiserId = advertiserIdSchema.parse("adv-bench");
  const createdAt = new Date(0);
  const zone = { timeZone: "UTC", currency: "EUR" };
  await db.insert(advertisers).values({ id: advertiserId, name: "Bench", ...zone });
  for (const id of [PROBE_CAMPAIGN, ...LOAD_CAMPAIGNS]) {
    const campaignId = campaignIdSchema.parse(id);
    await db.insert(campaigns).values({ id: campaignId, advertiserId, name: id, createdAt });
    const rate = { effectiveFrom: createdAt, cpcMicros: 250_000n, createdAt };
    await db.insert(rateCards).values({ campaignId, ...rate });
  }
  const sourceId = sourceIdSchema.parse("src-bench");
  await db.insert(sources).values({ id: sourceId, name: "Bench", speaksForUsers: true });
  const sha256 = (key: string) => createHash("sha256").update(key).digest("hex");
  const keySha256 = sha256(KEY);
  const reader = { id: "api-bench", name: "Bench", role: "engineer" } as const;
  await db.insert(apiKeys).values({ ...reader, keySha256: sha256(API_KEY) });
  await db.insert(sourceKeys).values({ id: "key-bench", sourceId, keySha256 });
}

function startApp(app: string, env: Readonly<Record<string, string>>): ChildProcess {
  const stdio = ["ignore", "ignore", "inherit"] as const;
  return spawn(process.execPath, [join(ROOT, `apps/${app}/src/main.ts`)], {
    env,
    stdio: [...stdio],
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGTERM");
  await gone;
}

/** The product's engines, one account in them, and its apps as processes of their own. */
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { rm } from "node:fs/promises";
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
import { startEmbeddedPostgres } from "@trueclick/local-stack/postgres";
import { advertiserIdSchema, campaignIdSchema, sourceIdSchema } from "@trueclick/shared/ids";
import { makeBenchFolder } from "./benchFolder.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PARTITIONS = "4";
const SOURCE_KEY = "tcs_bench";
const API_KEY = "tca_bench";

export const SOURCE_AUTHORIZATION = `Bearer ${SOURCE_KEY}`;
export const API_AUTHORIZATION = `Bearer ${API_KEY}`;

export const LOGS = ["postgres", "kafka"] as const;
export type LogName = (typeof LOGS)[number];

export interface ProductEngines {
  readonly dir: string;
  /** What the apps are told of them. */
  readonly env: Readonly<Record<string, string>>;
  readonly postgres: { readonly url: string; readonly pid: number };
  readonly clickhouse: { readonly url: string; readonly pid: number };
  readonly kafka: { readonly pid: number } | null;
  stop(): Promise<void>;
}

/** Starts the engines and adds an account with `campaignIds`, a source and a key of the REST API. */
export async function startEngines(
  logName: LogName,
  campaignIds: readonly string[],
): Promise<ProductEngines> {
  const dir = await makeBenchFolder();
  const silent = () => {};
  const [postgres, clickhouse, kafka] = await Promise.all([
    startEmbeddedPostgres({
      ...{ dataDir: join(dir, "postgres"), port: 0, password: "bench", log: silent },
    }),
    startClickHouse({ dataDir: join(dir, "clickhouse"), port: 0, log: silent }),
    logName === "kafka" ? startLocalKafka({ dir: join(dir, "kafka"), log: silent }) : null,
  ]);
  await migratePostgres(postgres.url);
  const { db, close } = openDatabase(postgres.url, { connectionsMax: 4 });
  const client = openClickHouse(clickhouse.url);
  await migrateClickHouse(client);
  await addAccount(db, campaignIds);
  await Promise.all([close(), client.close()]);
  return {
    ...{ dir, postgres, clickhouse, kafka },
    env: {
      DATABASE_URL: postgres.url,
      CLICKHOUSE_URL: clickhouse.url,
      EVENTS_PARTITIONS: PARTITIONS,
      IP_HASH_KEY: "0123456789abcdef0123456789abcdef",
      LOG_LEVEL: "warn",
      ...(kafka === null ? {} : { KAFKA_BROKERS: kafka.brokers }),
    },
    async stop() {
      await Promise.all([postgres.stop(), clickhouse.stop(), kafka?.stop()]);
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function addAccount(db: Database, campaignIds: readonly string[]): Promise<void> {
  const advertiserId = advertiserIdSchema.parse("adv-bench");
  const createdAt = new Date(0);
  const zone = { timeZone: "UTC", currency: "EUR" };
  await db.insert(advertisers).values({ id: advertiserId, name: "Bench", ...zone });
  for (const id of campaignIds) {
    const campaignId = campaignIdSchema.parse(id);
    await db.insert(campaigns).values({ id: campaignId, advertiserId, name: id, createdAt });
    const rate = { effectiveFrom: createdAt, cpcMicros: 250_000n, createdAt };
    await db.insert(rateCards).values({ campaignId, ...rate });
  }
  const sourceId = sourceIdSchema.parse("src-bench");
  await db.insert(sources).values({ id: sourceId, name: "Bench", speaksForUsers: true });
  const sha256 = (key: string) => createHash("sha256").update(key).digest("hex");
  const reader = { id: "api-bench", name: "Bench", role: "engineer" } as const;
  await db.insert(apiKeys).values({ ...reader, keySha256: sha256(API_KEY) });
  const keySha256 = sha256(SOURCE_KEY);
  await db.insert(sourceKeys).values({ id: "key-bench", sourceId, keySha256 });
}

/** Starts `apps/APP` with its settings. What it prints as an error is shown. */
export function startApp(app: string, env: Readonly<Record<string, string>>): ChildProcess {
  const stdio = ["ignore", "ignore", "inherit"] as const;
  return spawn(process.execPath, [join(ROOT, `apps/${app}/src/main.ts`)], {
    env,
    stdio: [...stdio],
  });
}

/** Asks a process to end and waits for it. */
export async function endApp(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGTERM");
  await gone;
}

/** Runs a verb of the CLI on the engines. @throws {Error} with its output unless it ends with 0. */
export async function runCli(
  { env, dir }: Pick<ProductEngines, "env" | "dir">,
  words: readonly string[],
): Promise<string> {
  const child = spawn(process.execPath, [join(ROOT, "apps/cli/src/main.ts"), ...words], {
    env: { ...env, TRUECLICK_DATA: dir },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (chunk) => {
    output += String(chunk);
  });
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`trueclick ${words.join(" ")} ended with ${code}: ${output}`);
  return output;
}

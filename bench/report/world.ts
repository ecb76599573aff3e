/** Engines, the web app on them, and the peer on the same rows. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ClickHouseClient } from "@clickhouse/client";
import { openClickHouse } from "@trueclick/db/clickhouse/client";
import { migrateClickHouse } from "@trueclick/db/clickhouse/migrate";
import { type Database, openDatabase } from "@trueclick/db/postgres/database";
import { migratePostgres } from "@trueclick/db/postgres/migrate";
import { keepDriftLines, readDriftToKeep } from "@trueclick/db/queries/keepDriftLines";
import { hoursWithoutLines, writeHotLines } from "@trueclick/db/queries/writeHotLines";
import type { Stores } from "@trueclick/db/stores";
import { startClickHouse } from "@trueclick/local-stack/clickhouse";
import { claimPort } from "@trueclick/local-stack/ports";
import { startEmbeddedPostgres } from "@trueclick/local-stack/postgres";
import { type BoundProcess, endProcess, spawnBound } from "@trueclick/local-stack/process";
import { DAY_MS, HOUR_MS } from "@trueclick/shared/time";
import { sql } from "drizzle-orm";
import { composeReturns } from "../../apps/aggregator/src/batch/composeBatch.ts";
import { countReturnsOf } from "../../apps/aggregator/src/batch/pipeline/runReturns.ts";
import { nodeFlags } from "../../apps/cli/src/start/nodeFlags.ts";
import { answers } from "../harness/answers.ts";
import { makeBenchFolder } from "../harness/benchFolder.ts";
import { EVIDENCE_DAYS, type Files, fillRollups, HOT_DAYS, MINUTE_HOURS } from "./fill.ts";
import { fillLines, fillRegister } from "./register.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const STOP_WITHIN_MS = 10_000;
const silent = () => {};

export interface ReportWorld {
  readonly dir: string;
  readonly files: Files;
  /** Rows and bytes of each table, as text. */
  readonly tables: string;
  /** ClickHouse and the web app anew: no connection, no cache and no compiled code is left of before. */
  restart(): Promise<void>;
  webUrl(): string;
  /** Where the stores are now: a restart moves them. */
  storeUrls(): { readonly postgres: string; readonly clickhouse: string };
  close(): Promise<void>;
}

/** Fills everything for data that ends with `endMs`. The web app must be built. */
export async function openReportWorld(endMs: number, truthDays: number): Promise<ReportWorld> {
  const dir = await makeBenchFolder();
  const clickhouseOptions = { dataDir: join(dir, "clickhouse"), port: 0, log: silent };
  const postgres = await startEmbeddedPostgres({
    ...{ dataDir: join(dir, "postgres"), port: 0, password: "bench", log: silent },
  });
  let clickhouse = await startClickHouse(clickhouseOptions);
  await migratePostgres(postgres.url);
  const { db, close } = openDatabase(postgres.url, { connectionsMax: 2 });
  await fillRegister(db, endMs, truthDays);
  const client = openClickHouse(clickhouse.url);
  await migrateClickHouse(client);
  const files = await fillRollups(client, dir, endMs, truthDays);
  await fillLines(db, client);
  await countReturns(db, client);
  const border = { fromMs: endMs - HOT_DAYS * DAY_MS, toMs: endMs - MINUTE_HOURS * HOUR_MS };
  // As the rollup leaves them behind.
  const stores = { db, clickhouse: client };
  await writeHotLines(stores, await hoursWithoutLines(stores, border, HOT_DAYS * 24));
  await keepDrift(stores, endMs);
  await db.execute(sql`analyze`);
  await close();
  const sizes = await client.query({
    query: `SELECT table, sum(rows), formatReadableSize(sum(bytes_on_disk)) FROM system.parts
      WHERE active AND database = currentDatabase() AND rows > 0 GROUP BY table ORDER BY table`,
    format: "TabSeparated",
  });
  const tables = await sizes.text();
  await client.close();

  let web: RunningWeb | null = null;
  return {
    dir,
    files,
    tables,
    async restart() {
      await endWeb(web);
      await clickhouse.stop();
      clickhouse = await startClickHouse(clickhouseOptions);
      web = await startWeb(postgres.url, clickhouse.url);
    },
    webUrl() {
      if (web === null) throw new Error("The web app was not started");
      return web.url;
    },
    storeUrls: () => ({ postgres: postgres.url, clickhouse: clickhouse.url }),
    async close() {
      await endWeb(web);
      await Promise.all([postgres.stop(), clickhouse.stop()]);
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** Reads and keeps drift, as the watch over it does: a day at a time, of all advertisers. */
async function keepDrift(stores: Pick<Stores, "db" | "clickhouse">, endMs: number): Promise<void> {
  for (let day = 1; day <= EVIDENCE_DAYS; day += 1) {
    const range = { fromMs: endMs - day * DAY_MS, toMs: endMs - (day - 1) * DAY_MS };
    await keepDriftLines(stores, await readDriftToKeep(stores, range, Date.now()));
  }
}

/** Counts returning users, as the batch does once days are published. */
async function countReturns(db: Database, clickhouse: ClickHouseClient): Promise<void> {
  const stores = composeReturns({ db, clickhouse });
  const { advertiserIds } = await stores.register.publishedSince(null);
  const { signal } = new AbortController();
  for (const advertiserId of advertiserIds) await countReturnsOf(stores, advertiserId, signal);
}

/** Builds the web app unless its build is of these sources. @throws {Error} if it cannot. */
export async function buildWeb(): Promise<void> {
  const build = spawn(process.execPath, [join(ROOT, "scripts/buildWeb.mjs")], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const [code] = await once(build, "exit");
  if (code !== 0) throw new Error("the web app could not be built");
}

export interface RunningWeb {
  readonly url: string;
  readonly process: BoundProcess;
}

/** Starts the web app, built before, on stores that are there. */
export async function startWeb(databaseUrl: string, clickhouseUrl: string): Promise<RunningWeb> {
  const port = await claimPort(0, "web");
  const url = `http://127.0.0.1:${port}`;
  const web = await spawnBound({
    command: [process.execPath, ...nodeFlags("web"), join(ROOT, "apps/web/src/main.ts")],
    env: {
      NODE_ENV: "production",
      DATABASE_URL: databaseUrl,
      CLICKHOUSE_URL: clickhouseUrl,
      WEB_URL: url,
      WEB_PORT: String(port),
      BETTER_AUTH_SECRET: "0123456789abcdef0123456789abcdef",
    },
    orphanSignal: "TERM",
    onLine: silent,
  });
  // What a load balancer would wait for before it sends anybody.
  await answers(`${url}/api/health`);
  return { url, process: web };
}

export async function endWeb(web: RunningWeb | null): Promise<void> {
  if (web !== null) await endProcess(web.process, "SIGTERM", STOP_WITHIN_MS);
}

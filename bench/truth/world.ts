/** Engines of its own, one advertiser, and the batch's own stores. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { ClickHouseClient } from "@clickhouse/client";
import { type ClickHouseObjects, createFolderObjects } from "@trueclick/archive/clickhouseObjects";
import { createFolderObjectStore } from "@trueclick/archive/folderObjectStore";
import { openClickHouse } from "@trueclick/db/clickhouse/client";
import { migrateClickHouse } from "@trueclick/db/clickhouse/migrate";
import { openDatabase } from "@trueclick/db/postgres/database";
import { migratePostgres } from "@trueclick/db/postgres/migrate";
import { advertisers } from "@trueclick/db/postgres/schema/advertisers";
import { campaignStatuses, campaigns, rateCards } from "@trueclick/db/postgres/schema/campaigns";
import { batchJobs, truthVersions } from "@trueclick/db/postgres/schema/truth";
import { startClickHouse } from "@trueclick/local-stack/clickhouse";
import { startEmbeddedPostgres } from "@trueclick/local-stack/postgres";
import { advertiserIdSchema, campaignIdSchema } from "@trueclick/shared/ids";
import { HOUR_MS } from "@trueclick/shared/time";
import { desc, eq } from "drizzle-orm";
import { z } from "zod";
import { readAgent } from "../../apps/aggregator/src/batch/adapters/agentLibraries.ts";
import { takeUses } from "../../apps/aggregator/src/batch/adapters/clickhouseTokenUses.ts";
import { composeJobStores } from "../../apps/aggregator/src/batch/composeBatch.ts";
import { runJob } from "../../apps/aggregator/src/batch/pipeline/runJob.ts";
import { cpuMs, type PeerResult, peakMb } from "./child.ts";
import {
  CAMPAIGNS,
  clicksPath,
  type HourOfClicks,
  PAUSED_CAMPAIGN,
  PAUSED_HOURS,
  TOPIC,
  writeClicks,
} from "./dayOfClicks.ts";

const ADVERTISER = advertiserIdSchema.parse("adv_bench");
const silent = () => {};

export interface TruthWorld {
  readonly clickhouse: ClickHouseClient;
  readonly objectsDir: string;
  /** Of the process that is ClickHouse. */
  readonly enginePid: number;
  /** On the same disk; for what a peer puts there. */
  readonly scratchDir: string;
  /** What a peer is told on its command line, before its limits; see `peerDay.ts`. */
  readonly peerWords: readonly string[];
  write(hours: readonly HourOfClicks[]): Promise<void>;
  /** Writes the table of user agents that peers are told of: those of all that was written. */
  writeAgents(): Promise<void>;
  /** Ends once the engine merges nothing any more: what it does with rows that were written is not counted. */
  settle(): Promise<void>;
  /** @param options.sessions Slices judged side by side. */
  recount(
    day: string,
    options: { readonly full: boolean; readonly sessions: number },
  ): Promise<Recount>;
  /** Ends what runs; what lies in the folder stays. */
  close(): Promise<void>;
}

/** Memory is that of the engine's process; the processor's time is the engine's and the job's. */
export interface Recount extends PeerResult {
  /** Milliseconds by step. */
  readonly timings: Readonly<Record<string, number>>;
  readonly contentHash: string;
  /** Of `cpuMs`, what is this process's. */
  readonly jobCpuMs: number;
}

/**
 * A kept day may have been counted by other SQL than the one that is measured on it, and must be taken over
 * all the same: whether both come to the same is told by the hash of what they count.
 */
const CODE_VERSION = "bench";

/** The day that is counted. */
export const DAY = "2026-11-10";
export const DAY_MS = Date.parse(`${DAY}T00:00:00Z`);

/** @param dir Where everything lies; what is there is used. */
export async function openTruthWorld(dir: string): Promise<TruthWorld> {
  const objectsDir = join(dir, "objects");
  const postgres = await startEmbeddedPostgres({
    dataDir: join(dir, "postgres"),
    port: 0,
    password: "bench",
    log: silent,
  });
  const engine = await startClickHouse({ dataDir: join(dir, "clickhouse"), port: 0, log: silent });
  await migratePostgres(postgres.url);
  const { db, close: closeDatabase } = openDatabase(postgres.url, { connectionsMax: 8 });
  const clickhouse = openClickHouse(engine.url);
  await migrateClickHouse(clickhouse);
  const paused = PAUSED_HOURS.map((hour) => DAY_MS + hour * HOUR_MS);
  if ((await db.$count(advertisers)) === 0) await fillCampaigns(db, paused);
  const agentsFile = join(dir, "agents.csv");
  const clickhouseObjects = createFolderObjects(objectsDir);
  const { queue, stores } = await composeJobStores({
    db,
    clickhouse,
    objectStore: createFolderObjectStore(objectsDir),
    clickhouseObjects,
    settings: { topic: TOPIC, tzdata: "bench", datacenterRangesFile: undefined },
  });

  return {
    clickhouse,
    objectsDir,
    scratchDir: join(dir, "scratch"),
    enginePid: engine.pid,
    peerWords: [
      `${objectsDir}/raw/*/*.parquet`,
      agentsFile,
      PAUSED_CAMPAIGN,
      ...paused.map(String),
    ],
    async write(hours) {
      await writeClicks({ clickhouse, db, objectsDir }, hours);
      await noteUses(clickhouse, clickhouseObjects, hours);
    },
    async writeAgents() {
      await writeFile(agentsFile, await agentsCsv(clickhouse, objectsDir));
    },
    settle: () => settle(clickhouse),
    async recount(day, { full, sessions }) {
      await db.insert(batchJobs).values({
        advertiserId: ADVERTISER,
        billingDay: day,
        reason: "bench",
        requestedBy: "bench",
        requestId: "bench",
        full,
      });
      await forgetPeak(engine.pid);
      const cpu = () => [engine.pid, process.pid].map(cpuMs) as [number, number];
      const [startedMs, [engineCpu, jobCpu]] = [performance.now(), cpu()];
      const job = await queue.take();
      if (job === null) throw new Error("the job was not handed out");
      const counting = { ...stores, slicesAtOnce: sessions, codeVersion: CODE_VERSION };
      await runJob(counting, job, new AbortController().signal);
      const ms = performance.now() - startedMs;
      const [engineEnd, jobEnd] = cpu();
      const jobCpuMs = jobEnd - jobCpu;
      const spent = { ms, cpuMs: engineEnd - engineCpu + jobCpuMs, jobCpuMs };
      return { ...spent, peakMb: peakMb(engine.pid), ...(await toldOf(db, Number(job.id))) };
    },
    async close() {
      await Promise.all([clickhouse.close(), closeDatabase()]);
      await Promise.all([engine.stop(), postgres.stop()]);
    },
  };
}

const SETTLE_MS_MAX = 300_000;
const SETTLE_POLL_MS = 500;
/** Between two merges there may be a moment without one. */
const QUIET_POLLS = 4;

async function settle(clickhouse: ClickHouseClient): Promise<void> {
  const endMs = performance.now() + SETTLE_MS_MAX;
  for (let quiet = 0; quiet < QUIET_POLLS && performance.now() < endMs; ) {
    const answer = await clickhouse.query({
      query: "SELECT table FROM system.merges",
      format: "JSONEachRow",
    });
    quiet = (await answer.json()).length === 0 ? quiet + 1 : 0;
    await setTimeout(SETTLE_POLL_MS);
  }
}

type Database = ReturnType<typeof openDatabase>["db"];

/** What a job has left: its timings, and what the day's newest version says. */
async function toldOf(
  db: Database,
  jobId: number,
): Promise<Pick<Recount, "verdicts" | "timings" | "contentHash">> {
  const [version] = await db
    .select()
    .from(truthVersions)
    .where(eq(truthVersions.advertiserId, ADVERTISER))
    .orderBy(desc(truthVersions.version))
    .limit(1);
  const [job] = await db.select().from(batchJobs).where(eq(batchJobs.id, jobId));
  const { duplicate = 0, id_conflict = 0, ...verdicts } = version?.verdictCounts ?? {};
  return { verdicts, timings: job?.timings ?? {}, contentHash: version?.contentHash ?? "" };
}

/** What was searched has its uses of tokens noted, among which those of later objects are looked for. */
async function noteUses(
  clickhouse: ClickHouseClient,
  objects: ClickHouseObjects,
  hours: readonly HourOfClicks[],
): Promise<void> {
  for (const hour of hours.filter(({ searched }) => searched)) {
    const { rows, hourMs } = hour;
    const object = { path: clicksPath(hour), rows: BigInt(rows), eventHour: new Date(hourMs) };
    await takeUses(clickhouse, objects, [object]);
  }
}

const agentRow = z.object({ agent: z.string() });

/** What the libraries say of the user agents of the day, for the peers. */
async function agentsCsv(clickhouse: ClickHouseClient, objectsDir: string): Promise<string> {
  const result = await clickhouse.query({
    query: `SELECT DISTINCT assumeNotNull(user_agent) AS agent
      FROM file('${objectsDir}/raw/*/*.parquet', 'Parquet') SETTINGS use_hive_partitioning = 0`,
    format: "JSONEachRow",
  });
  const lines = z
    .array(agentRow)
    .parse(await result.json())
    .map(({ agent }) => {
      const { isBot, isBrowser } = readAgent(agent);
      return `"${agent}",${isBot},${isBrowser}`;
    });
  return ["user_agent,is_bot,is_browser", ...lines, ""].join("\n");
}

async function fillCampaigns(
  db: Database,
  [fromMs = 0, toMs = 0]: readonly number[],
): Promise<void> {
  await db
    .insert(advertisers)
    .values({ id: ADVERTISER, name: "Bench", timeZone: "UTC", currency: "EUR" });
  const ids = Array.from({ length: CAMPAIGNS }, (_, at) => campaignIdSchema.parse(`cmp_${at}`));
  await db.insert(campaigns).values(ids.map((id) => ({ id, advertiserId: ADVERTISER, name: id })));
  await db
    .insert(rateCards)
    .values(
      ids.map((campaignId) => ({ campaignId, effectiveFrom: new Date(0), cpcMicros: 250_000n })),
    );
  const campaignId = campaignIdSchema.parse(PAUSED_CAMPAIGN);
  const audit = { campaignId, reason: "bench", createdBy: "bench" };
  await db.insert(campaignStatuses).values([
    { ...audit, status: "paused", effectiveFrom: new Date(fromMs) },
    { ...audit, status: "active", effectiveFrom: new Date(toMs) },
  ]);
}

/** Lets the highest memory of a process count from now on. */
async function forgetPeak(pid: number): Promise<void> {
  await writeFile(`/proc/${pid}/clear_refs`, "5");
}

/** Engines of its own, one advertiser, and the batch's own stores. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createFolderObjects } from "@trueclick/archive/clickhouseObjects";
import { createFolderObjectStore } from "@trueclick/archive/folderObjectStore";
import { openClickHouse } from "@trueclick/db/clickhouse/client";
import { migrateClickHouse } from "@trueclick/db/clickhouse/migrate";
import { openDatabase } from "@trueclick/db/postgres/database";
import { migratePostgres } from "@trueclick/db/postgres/migrate";
import { advertisers } from "@trueclick/db/postgres/schema/advertisers";
import { campaigns, rateCards } from "@trueclick/db/postgres/schema/campaigns";
import { batchJobs, truthVersions } from "@trueclick/db/postgres/schema/truth";
import { startClickHouse } from "@trueclick/local-stack/clickhouse";
import { startEmbeddedPostgres } from "@trueclick/local-stack/postgres";
import { advertiserIdSchema, campaignIdSchema } from "@trueclick/shared/ids";
import { desc, eq } from "drizzle-orm";
import { composeJobStores } from "../../apps/aggregator/src/batch/composeBatch.ts";
import { runJob } from "../../apps/aggregator/src/batch/pipeline/runJob.ts";
import { peakMb } from "./child.ts";
import { CAMPAIGNS, type HourOfClicks, TOPIC, writeClicks } from "./dayOfClicks.ts";

const ADVERTISER = advertiserIdSchema.parse("adv_bench");
const silent = () => {};

export interface TruthWorld {
  /** All objects, as a pattern of file names. */
  readonly files: string;
  write(hours: readonly HourOfClicks[]): Promise<void>;
  recount(day: string, options: { readonly full: boolean }): Promise<Recount>;
  close(): Promise<void>;
}

export interface Recount {
  readonly ms: number;
  /** Of the engine's process. */
  readonly peakMb: number;
  /** Clicks that are no copy of another. */
  readonly distinct: number;
  readonly timings: Readonly<Record<string, number>>;
}

export async function openTruthWorld(): Promise<TruthWorld> {
  const dir = await mkdtemp(join(tmpdir(), "trueclick-bench-"));
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
  await fillCampaigns(db);
  const { queue, stores } = await composeJobStores({
    db,
    clickhouse,
    objectStore: createFolderObjectStore(objectsDir),
    clickhouseObjects: createFolderObjects(objectsDir),
    settings: { topic: TOPIC, tzdata: "bench", datacenterRangesFile: undefined },
  });

  return {
    files: `${objectsDir}/raw/*/*.parquet`,
    write: async (hours) => {
      await writeClicks({ clickhouse, db, objectsDir }, hours);
    },
    async recount(day, { full }) {
      await db.insert(batchJobs).values({
        advertiserId: ADVERTISER,
        billingDay: day,
        reason: "bench",
        requestedBy: "bench",
        requestId: "bench",
        full,
      });
      await forgetPeak(engine.pid);
      const startedMs = performance.now();
      const job = await queue.take();
      if (job === null) throw new Error("the job was not handed out");
      await runJob(stores, job, new AbortController().signal);
      const ms = performance.now() - startedMs;
      const [version] = await db
        .select()
        .from(truthVersions)
        .where(eq(truthVersions.advertiserId, ADVERTISER))
        .orderBy(desc(truthVersions.version))
        .limit(1);
      const [row] = await db
        .select()
        .from(batchJobs)
        .where(eq(batchJobs.id, Number(job.id)));
      const { duplicate = 0, id_conflict = 0, ...counted } = version?.verdictCounts ?? {};
      const distinct = Object.values(counted).reduce((sum, clicks) => sum + clicks, 0);
      return { ms, peakMb: peakMb(engine.pid), distinct, timings: row?.timings ?? {} };
    },
    async close() {
      await Promise.all([clickhouse.close(), closeDatabase()]);
      await Promise.all([engine.stop(), postgres.stop()]);
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function fillCampaigns(db: ReturnType<typeof openDatabase>["db"]): Promise<void> {
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
}

/** Lets the highest memory of a process count from now on. */
async function forgetPeak(pid: number): Promise<void> {
  await writeFile(`/proc/${pid}/clear_refs`, "5");
}

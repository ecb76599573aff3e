import type { ObjectsSettings } from "@trueclick/archive/objectsSettings";
import { isCurrentVersion } from "@trueclick/db/postgres/currentVersion";
import { advertisers } from "@trueclick/db/postgres/schema/advertisers";
import {
  campaignStatuses,
  campaigns,
  impressionRequirements,
  rateCards,
} from "@trueclick/db/postgres/schema/campaigns";
import {
  batchJobs,
  truthCurrent,
  truthLines,
  truthVersions,
} from "@trueclick/db/postgres/schema/truth";
import { rowsOfVersion } from "@trueclick/db/queries/heldRows";
import type { IsoDay } from "@trueclick/shared/calendar";
import { advertiserIdSchema, campaignIdSchema } from "@trueclick/shared/ids";
import { and, asc, eq } from "drizzle-orm";
import { z } from "zod";
import { type ArchiveWorld, openArchiveWorld } from "../../archive/testing/archiveWorld.ts";
import { AGENT_LIBRARIES } from "../adapters/agentLibraries.ts";
import { createClickHouseAttribution } from "../adapters/clickhouseAttribution.ts";
import { createClickHouseCopySearch } from "../adapters/clickhouseCopySearch.ts";
import { createClickHouseTruthEngine } from "../adapters/clickhouseTruthEngine.ts";
import type { DatacenterRanges } from "../adapters/datacenterRanges.ts";
import { createPostgresAttribution } from "../adapters/postgresAttribution.ts";
import { createPostgresInputsStore } from "../adapters/postgresInputsStore.ts";
import { createPostgresJobQueue } from "../adapters/postgresJobQueue.ts";
import { createPostgresTruthRegister } from "../adapters/postgresTruthRegister.ts";
import { createSliceRecords } from "../adapters/sliceRecords.ts";
import { truthCodeVersion } from "../adapters/truthProgram.ts";
import { type JobStores, runJob } from "../pipeline/runJob.ts";
import type { JobQueue } from "../ports/jobQueue.ts";

export interface CampaignSeed {
  readonly id: string;
  readonly startsMs?: number;
  readonly endsMs?: number;
  /** `[effectiveFromMs, required]`: from when on its clicks need an impression. */
  readonly requirements?: readonly (readonly [number, boolean])[];
  /** `[fromMs, toMs)` in which it was paused. */
  readonly pauses?: readonly (readonly [number, number])[];
  /** `[effectiveFromMs, cpcMicros]` */
  readonly rates: readonly (readonly [number, bigint])[];
}

/** From the log to truth, on real engines. */
export interface BatchWorld {
  readonly archive: ArchiveWorld;
  readonly queue: JobQueue;
  readonly stores: JobStores;
  addAdvertiser(
    id: string,
    options: { timeZone: string; campaigns: readonly CampaignSeed[] },
  ): Promise<void>;
  queueJob(advertiserId: string, day: IsoDay, full?: boolean): Promise<void>;
  /** Queues a job that judges every event and runs it, as a runner does that has no competitor. */
  recount(advertiserId: string, day: IsoDay, stores?: JobStores): Promise<"published" | "verified">;
  /** The same with a job that takes over what earlier counts judged by equal inputs. */
  recountChanged: BatchWorld["recount"];
  current(advertiserId: string, day: IsoDay): Promise<CurrentTruth | null>;
  /** The evidence of a build: `conversion click window value`, or the reason for the click, sorted. */
  conversions(buildId: bigint): Promise<string[]>;
  /** What the cube says of them: `ad geo conversions value`, sorted. */
  credits(buildId: bigint): Promise<string[]>;
  jobs(): Promise<(typeof batchJobs.$inferSelect)[]>;
  close(): Promise<void>;
}

/** What readers see of a partition, read as they do: the pointer first, then the build it names. */
export type CurrentTruth = Awaited<ReturnType<typeof readCurrent>> & object;

const { signal } = new AbortController();

/**
 * @param objects Where the archive is; a folder of its own unless said.
 * @param ranges Ranges of data centres; none by default.
 */
export async function openBatchWorld(
  objects?: ObjectsSettings,
  ranges: DatacenterRanges | null = null,
): Promise<BatchWorld> {
  const archive = await openArchiveWorld(objects);
  const { db, clickhouse, clickhouseObjects, topic } = archive;
  const queue = createPostgresJobQueue(db);
  const inputs = createPostgresInputsStore(db, {
    topic,
    tzdata: "test",
    agentLibraries: AGENT_LIBRARIES,
    datacenterRangesSha256: ranges?.sha256 ?? null,
  });
  const stores: JobStores = {
    inputs,
    attribution: createPostgresAttribution(db, inputs),
    attributionEngine: createClickHouseAttribution(clickhouse, clickhouseObjects),
    objects: archive.objects,
    copySearch: createClickHouseCopySearch(db, clickhouse, clickhouseObjects, topic),
    engine: createClickHouseTruthEngine(clickhouse, clickhouseObjects, ranges),
    register: createPostgresTruthRegister(db),
    slices: createSliceRecords(db, clickhouse),
    codeVersion: truthCodeVersion(),
    report: queue.report,
    sliceRowsMax: 500_000,
    slicesAtOnce: 2,
    nowMs: () => 0,
  };
  const queueJob = async (advertiserId: string, billingDay: IsoDay, full = true) => {
    await db.insert(batchJobs).values({
      advertiserId: advertiserIdSchema.parse(advertiserId),
      billingDay,
      reason: "test",
      requestedBy: "test",
      requestId: "request_1",
      full,
    });
  };
  const run = async (jobStores: JobStores) => {
    const job = await queue.take();
    if (job === null) throw new Error("the job was not handed out");
    return runJob(jobStores, job, signal);
  };

  return {
    archive,
    queue,
    stores,
    addAdvertiser: (id, options) => addAdvertiser(archive, id, options),
    queueJob,
    async recount(advertiserId, day, jobStores = stores) {
      await queueJob(advertiserId, day);
      return run(jobStores);
    },
    async recountChanged(advertiserId, day, jobStores = stores) {
      await queueJob(advertiserId, day, false);
      return run(jobStores);
    },
    conversions: (buildId) => readTexts(archive, buildId, CONVERSIONS),
    credits: (buildId) => readTexts(archive, buildId, CREDITS),
    current: (advertiserId, day) => readCurrent(archive, advertiserId, day),
    jobs: () => db.select().from(batchJobs).orderBy(asc(batchJobs.id)),
    close: () => archive.close(),
  };
}

async function addAdvertiser(
  { db }: ArchiveWorld,
  id: string,
  options: { timeZone: string; campaigns: readonly CampaignSeed[] },
): Promise<void> {
  const advertiserId = advertiserIdSchema.parse(id);
  const { timeZone } = options;
  await db.insert(advertisers).values({ id: advertiserId, name: id, timeZone, currency: "EUR" });
  for (const { id: campaign, rates, pauses = [], ...one } of options.campaigns) {
    const campaignId = campaignIdSchema.parse(campaign);
    await db.insert(campaigns).values({
      id: campaignId,
      advertiserId,
      name: campaign,
      startsAt: one.startsMs === undefined ? null : new Date(one.startsMs),
      endsAt: one.endsMs === undefined ? null : new Date(one.endsMs),
    });
    for (const [fromMs, required] of one.requirements ?? []) {
      const effectiveFrom = new Date(fromMs);
      await db.insert(impressionRequirements).values({ campaignId, effectiveFrom, required });
    }
    for (const [effectiveFromMs, cpcMicros] of rates) {
      const effectiveFrom = new Date(effectiveFromMs);
      await db.insert(rateCards).values({ campaignId, effectiveFrom, cpcMicros });
    }
    for (const [atMs, status] of pauses.flatMap(([fromMs, toMs]) => [
      [fromMs, "paused"] as const,
      [toMs, "active"] as const,
    ])) {
      const effectiveFrom = new Date(atMs);
      const audit = { reason: "test", createdBy: "test" };
      await db.insert(campaignStatuses).values({ campaignId, effectiveFrom, status, ...audit });
    }
  }
}

const CONVERSIONS = `
  SELECT concat(event_id, ' ', if(not_credited = '', click_event_id, not_credited), ' ',
    toString(window_days), ' ', toString(value_micros)) AS text
  FROM truth_conversions WHERE build_id = {build: UInt64} ORDER BY text`;

const CREDITS = `
  SELECT concat(ad_id, ' ', geo, ' ', toString(sum(cell.credited)), ' ',
    toString(sum(cell.credited_value_micros))) AS text
  FROM truth_cube AS cell WHERE build_id = {build: UInt64} AND cell.credited > 0
  GROUP BY ad_id, geo ORDER BY text`;

async function readTexts(
  { clickhouse }: ArchiveWorld,
  buildId: bigint,
  query: string,
): Promise<string[]> {
  const result = await clickhouse.query({
    query,
    query_params: { build: buildId.toString() },
    format: "JSONEachRow",
  });
  const rows = z.array(z.object({ text: z.string() })).parse(await result.json());
  return rows.map(({ text }) => text);
}

const cubeRow = z.object({
  campaignId: z.string(),
  events: z.coerce.number(),
  costMicros: z.coerce.bigint(),
});
const rejectRow = z.object({ eventId: z.string(), coordinates: z.string(), verdict: z.string() });

async function readCurrent({ db, clickhouse }: ArchiveWorld, advertiser: string, day: IsoDay) {
  const advertiserId = advertiserIdSchema.parse(advertiser);
  const [version] = await db
    .select()
    .from(truthCurrent)
    .innerJoin(truthVersions, isCurrentVersion())
    .where(and(eq(truthCurrent.advertiserId, advertiserId), eq(truthCurrent.billingDay, day)));
  if (version === undefined) return null;

  const { truth_versions: pinned } = version;
  const lines = await db
    .select()
    .from(truthLines)
    .where(
      and(
        eq(truthLines.advertiserId, advertiserId),
        eq(truthLines.billingDay, day),
        eq(truthLines.version, pinned.version),
      ),
    )
    .orderBy(asc(truthLines.campaignId));
  const build = { query_params: { advertiserId }, format: "JSONEachRow" } as const;
  const held = { buildId: Number(pinned.jobId), takenOver: pinned.takenOver };
  const cube = await clickhouse.query({
    ...build,
    query: `SELECT campaign_id AS campaignId, sum(cell.events) AS events, sum(cost_micros) AS costMicros
      FROM truth_cube AS cell
      WHERE advertiser_id = {advertiserId: String} AND ${rowsOfVersion("truth_cube", held)}
      GROUP BY campaign_id ORDER BY campaign_id`,
  });
  const rejects = await clickhouse.query({
    ...build,
    query: `SELECT event_id AS eventId, verdict,
        concat(toString(partition), ':', toString(offset), ':', toString(\`index\`)) AS coordinates
      FROM truth_rejects
      WHERE advertiser_id = {advertiserId: String} AND ${rowsOfVersion("truth_rejects", held)}
      ORDER BY eventId, coordinates`,
  });
  return {
    ...pinned,
    lines,
    cube: z.array(cubeRow).parse(await cube.json()),
    rejects: z.array(rejectRow).parse(await rejects.json()),
  };
}

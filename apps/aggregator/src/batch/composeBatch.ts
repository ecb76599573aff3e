import type { ClickHouseClient } from "@clickhouse/client";
import type { ClickHouseObjects } from "@trueclick/archive/clickhouseObjects";
import type { ObjectStore } from "@trueclick/archive/objectStore";
import type { Database } from "@trueclick/db/postgres/database";
import { sweepDeadBuilds } from "@trueclick/db/queries/deadBuilds";
import { forgetVerifications } from "@trueclick/db/queries/oldVerifications";
import { createEmptyDaysLook } from "@trueclick/db/queries/showEmptyDays";
import { HOUR_MS, SECOND_MS } from "@trueclick/shared/time";
import type { RoleLogger } from "../archive/pipeline/runArchive.ts";
import { AGENT_LIBRARIES } from "./adapters/agentLibraries.ts";
import { createClickHouseAttribution } from "./adapters/clickhouseAttribution.ts";
import { createClickHouseCopySearch } from "./adapters/clickhouseCopySearch.ts";
import { createClickHouseReturns } from "./adapters/clickhouseReturns.ts";
import { createClickHouseTruthEngine } from "./adapters/clickhouseTruthEngine.ts";
import { readDatacenterRanges } from "./adapters/datacenterRanges.ts";
import { createPostgresAttribution } from "./adapters/postgresAttribution.ts";
import { createPostgresDaySchedule } from "./adapters/postgresDaySchedule.ts";
import { createPostgresInputsStore } from "./adapters/postgresInputsStore.ts";
import { createPostgresJobQueue, LEASE_MS } from "./adapters/postgresJobQueue.ts";
import { createPostgresReturns } from "./adapters/postgresReturns.ts";
import { createPostgresTruthRegister } from "./adapters/postgresTruthRegister.ts";
import { createSliceRecords } from "./adapters/sliceRecords.ts";
import { truthCodeVersion } from "./adapters/truthProgram.ts";
import { composeWorks } from "./composeWorks.ts";
import { runBatch } from "./pipeline/runBatch.ts";
import { runEmptyDays } from "./pipeline/runEmptyDays.ts";
import type { JobStores } from "./pipeline/runJob.ts";
import { type ReturnsStores, runReturns } from "./pipeline/runReturns.ts";
import { runSchedule } from "./pipeline/runSchedule.ts";
import { runSweep } from "./pipeline/runSweep.ts";
import { workOff } from "./pipeline/workOff.ts";
import type { JobQueue } from "./ports/jobQueue.ts";

export interface BatchDependencies {
  readonly db: Database;
  readonly clickhouse: ClickHouseClient;
  readonly objectStore: ObjectStore;
  /** How the ClickHouse engine reads what is in `objectStore`. */
  readonly clickhouseObjects: ClickHouseObjects;
  readonly settings: {
    /** `EVENTS_TOPIC`: the topic whose archive is billed. */
    readonly topic: string;
    /** Version of the time zone database of this runtime: `process.versions.tz`. */
    readonly tzdata: string;
    /** Between two looks for days to count unasked, milliseconds; 0 is off. */
    readonly scheduleIntervalMs: number;
    /** `ALLOWED_LATENESS_MS`: what was read so long past its close has all that belongs to a day. */
    readonly allowedLatenessMs: number;
    /** `BATCH_SWEEP_AFTER_MS`: how long the rows of a job stay that published nothing. */
    readonly sweepAfterMs: number;
    /** `DATACENTER_RANGES_FILE`: ranges of data centres; without one nobody's address is in one. */
    readonly datacenterRangesFile?: string | undefined;
  };
  readonly logger: RoleLogger;
}

const JOBS_MAX = 2;
const SLICES_AT_ONCE = 2;
/** Each statement of a slice is planned anew, for up to 0.1 s; its rows take some 200 MB of the engine. */
const SLICE_ROWS_MAX = 1_000_000;
/** Three renewals may fail before a lease ends. */
const RENEW_INTERVAL_MS = LEASE_MS / 4;

const SWEEP_INTERVAL_MS = HOUR_MS / 2;
/** Until then reports of several days unite users, to the same end. */
const RETURNS_INTERVAL_MS = 10 * SECOND_MS;

/** The queue, and what a job of it is run with. */
export async function composeJobStores(
  deps: Pick<BatchDependencies, "db" | "clickhouse" | "objectStore" | "clickhouseObjects"> & {
    readonly settings: Pick<
      BatchDependencies["settings"],
      "topic" | "tzdata" | "datacenterRangesFile"
    >;
  },
): Promise<{ readonly queue: JobQueue; readonly stores: JobStores }> {
  const { db, clickhouse, objectStore, clickhouseObjects, settings } = deps;
  const { topic, tzdata, datacenterRangesFile: file } = settings;
  const ranges = file === undefined ? null : await readDatacenterRanges(file);
  const datacenterRangesSha256 = ranges?.sha256 ?? null;
  const judgedBy = { agentLibraries: AGENT_LIBRARIES, datacenterRangesSha256 };
  const queue = createPostgresJobQueue(db);
  const inputs = createPostgresInputsStore(db, { topic, tzdata, ...judgedBy });
  const stores = {
    inputs,
    attribution: createPostgresAttribution(db, inputs),
    attributionEngine: createClickHouseAttribution(clickhouse, clickhouseObjects),
    objects: objectStore,
    copySearch: createClickHouseCopySearch(db, clickhouse, clickhouseObjects, topic),
    engine: createClickHouseTruthEngine(clickhouse, clickhouseObjects, ranges),
    register: createPostgresTruthRegister(db),
    slices: createSliceRecords(db, clickhouse),
    report: queue.report,
    codeVersion: truthCodeVersion(),
    nowMs: () => performance.now(),
    sliceRowsMax: SLICE_ROWS_MAX,
    slicesAtOnce: SLICES_AT_ONCE,
  };
  return { queue, stores };
}

/** What counts returning users, of versions that are published. */
export function composeReturns(
  { db, clickhouse }: Pick<BatchDependencies, "db" | "clickhouse">,
  nowMs: () => number = () => Date.now(),
): ReturnsStores {
  return {
    register: createPostgresReturns(db, nowMs),
    engine: createClickHouseReturns(clickhouse),
  };
}

/** Runs the batch role until aborted. */
export async function composeBatch(deps: BatchDependencies, signal: AbortSignal): Promise<void> {
  const { db, clickhouse, settings, logger } = deps;
  const { queue, stores } = await composeJobStores(deps);
  const schedule = {
    schedule: createPostgresDaySchedule(db, clickhouse, stores.codeVersion),
    intervalMs: settings.scheduleIntervalMs,
    nowMs: () => Date.now(),
    logger,
  };
  const runner = {
    ...stores,
    queue,
    jobsMax: JOBS_MAX,
    renewIntervalMs: RENEW_INTERVAL_MS,
    logger,
  };
  const sweep = async () => {
    await forgetVerifications({ db });
    return sweepDeadBuilds({ db, clickhouse }, settings.sweepAfterMs);
  };
  const emptyDays = {
    look: createEmptyDaysLook({ db, clickhouse }, settings),
    intervalMs: settings.scheduleIntervalMs,
    nowMs: () => Date.now(),
    logger,
  };
  const works = composeWorks(stores, db, clickhouse, settings.topic);
  const working = { renewIntervalMs: RENEW_INTERVAL_MS, logger };
  await Promise.all([
    runBatch(runner, signal),
    runSchedule(schedule, signal),
    runEmptyDays(emptyDays, signal),
    runSweep({ sweep, intervalMs: SWEEP_INTERVAL_MS, logger }, signal),
    runReturns({ ...composeReturns(deps), intervalMs: RETURNS_INTERVAL_MS, logger }, signal),
    workOff(works.backtests, working, signal),
    workOff(works.verifications, working, signal),
  ]);
}

/**
 * A program that takes a job and runs it with the product's own stores, and kills itself with SIGKILL
 * at one step: `node runJobUntilKilled.ts '{"step": …}'`.
 */
import { flushCompileCache } from "node:module";
import { argv } from "node:process";
import { setTimeout as pause } from "node:timers/promises";
import { createFolderObjects } from "@trueclick/archive/clickhouseObjects";
import { createFolderObjectStore } from "@trueclick/archive/folderObjectStore";
import { type Database, openDatabase } from "@trueclick/db/postgres/database";
import { openTestClickHouse } from "@trueclick/db/testing/testClickHouse";
import { z } from "zod";
import { AGENT_LIBRARIES } from "../adapters/agentLibraries.ts";
import { createClickHouseAttribution } from "../adapters/clickhouseAttribution.ts";
import { createClickHouseCopySearch } from "../adapters/clickhouseCopySearch.ts";
import { createClickHouseTruthEngine } from "../adapters/clickhouseTruthEngine.ts";
import { createPostgresAttribution } from "../adapters/postgresAttribution.ts";
import { createPostgresInputsStore } from "../adapters/postgresInputsStore.ts";
import { createPostgresJobQueue } from "../adapters/postgresJobQueue.ts";
import { createPostgresTruthRegister } from "../adapters/postgresTruthRegister.ts";
import { createSliceRecords } from "../adapters/sliceRecords.ts";
import { truthCodeVersion } from "../adapters/truthProgram.ts";
import { type JobStores, runJob } from "../pipeline/runJob.ts";

/** Where a job can die, in the order of a run. */
export const KILL_STEPS = [
  "taken",
  "new ids filtered",
  "inputs read",
  "a slice prepared",
  "inputs pinned",
  "an object checked",
  "clicks without impression found",
  "a slice being written",
  "a slice written",
  "a slice added up",
  "all slices written",
  "the build read back",
  "conversions staged",
  "conversions credited",
  "the version written, not committed",
  "the version committed",
] as const;

const optionsSchema = z.object({
  step: z.enum(KILL_STEPS),
  databaseUrl: z.string(),
  clickhouseUrl: z.string(),
  objectsDir: z.string(),
  topic: z.string(),
});
export type KilledRun = z.infer<typeof optionsSchema>;

/** An insert of the test's few rows has begun after this long, and is often still at work. */
const IN_FLIGHT_MS = 5;

async function main(): Promise<void> {
  const options = optionsSchema.parse(JSON.parse(argv[2] ?? ""));
  // Node keeps what it compiled for the next one when a process ends by itself, as this one never does.
  flushCompileCache();
  const { db } = openDatabase(options.databaseUrl, { connectionsMax: 4 });
  const clickhouse = openTestClickHouse(options.clickhouseUrl);
  const dieAt: DieAt = (here) => {
    if (here === options.step) process.kill(process.pid, "SIGKILL");
  };
  const command = clickhouse.command.bind(clickhouse);
  clickhouse.command = async (params) => {
    const done = await command(params);
    const name = params.clickhouse_settings?.log_comment;
    if (name === "batch.filter.create") dieAt("new ids filtered");
    if (name === "batch.unlinked") dieAt("clicks without impression found");
    return done;
  };
  const queue = createPostgresJobQueue(db);
  const folder = createFolderObjects(options.objectsDir);
  const engine = createClickHouseTruthEngine(clickhouse, folder);
  const inputs = createPostgresInputsStore(db, {
    topic: options.topic,
    tzdata: "test",
    agentLibraries: AGENT_LIBRARIES,
    datacenterRangesSha256: null,
  });
  const stores: JobStores = {
    inputs,
    attribution: createPostgresAttribution(db, inputs),
    attributionEngine: createClickHouseAttribution(clickhouse, folder),
    objects: createFolderObjectStore(options.objectsDir),
    copySearch: createClickHouseCopySearch(db, clickhouse, folder, options.topic, 0),
    engine,
    register: createPostgresTruthRegister(dyingBeforeCommit(db, dieAt)),
    slices: createSliceRecords(db, clickhouse),
    report: queue.report,
    codeVersion: truthCodeVersion(),
    sliceRowsMax: 1,
    // As many as hours are touched, so that they are begun before the inputs are pinned.
    slicesAtOnce: 2,
    nowMs: () => 0,
  };
  const job = await queue.take();
  if (job === null) throw new Error("no job was there to take");
  dieAt("taken");
  await runJob(dyingStores(stores, options.step, dieAt), job, new AbortController().signal);
}

type DieAt = (here: (typeof KILL_STEPS)[number]) => void;

function dyingStores(stores: JobStores, step: KilledRun["step"], dieAt: DieAt): JobStores {
  const { attributionEngine, engine, inputs, objects, register } = stores;
  return {
    ...stores,
    inputs: {
      ...inputs,
      read: async (job) => {
        const read = await inputs.read(job);
        dieAt("inputs read");
        return read;
      },
      pin: async (...args) => {
        await inputs.pin(...args);
        dieAt("inputs pinned");
      },
    },
    objects: {
      ...objects,
      sha256: async (path) => {
        const found = await objects.sha256(path);
        dieAt("an object checked");
        return found;
      },
    },
    engine: {
      ...engine,
      prepare: async (...args) => {
        await engine.prepare(...args);
        dieAt("a slice prepared");
      },
      judge: async (...args) => {
        const judged = engine.judge(...args);
        if (step === "a slice being written") {
          await Promise.race([judged, pause(IN_FLIGHT_MS)]);
          dieAt("a slice being written");
        }
        await judged;
        dieAt("a slice written");
      },
      addUp: async (...args) => {
        await engine.addUp(...args);
        dieAt("a slice added up");
      },
      summarize: async (build, users) => {
        dieAt("all slices written");
        const summary = await engine.summarize(build, users);
        dieAt("the build read back");
        return summary;
      },
    },
    attributionEngine: {
      ...attributionEngine,
      stageConversions: async (...args) => {
        await attributionEngine.stageConversions(...args);
        dieAt("conversions staged");
      },
      credit: async (...args) => {
        await attributionEngine.credit(...args);
        dieAt("conversions credited");
      },
    },
    register: {
      settle: async (...args) => {
        const outcome = await register.settle(...args);
        dieAt("the version committed");
        return outcome;
      },
    },
  };
}

/** Dies when everything of a transaction is written and its commit is all that is left. */
function dyingBeforeCommit(db: Database, dieAt: DieAt): Pick<Database, "transaction"> {
  return {
    transaction: (work, config) =>
      db.transaction(async (tx) => {
        const result = await work(tx);
        dieAt("the version written, not committed");
        return result;
      }, config),
  };
}

if (import.meta.main) await main();

import { NOON_MS, storedEvent } from "@trueclick/archive/testing/storedEvents";
import { dayBounds, dayOf } from "@trueclick/shared/calendar";
import { advertiserIdSchema } from "@trueclick/shared/ids";
import { HOUR_MS } from "@trueclick/shared/time";
import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";
import { z } from "zod";
import { KEYS_MEMORY, type KeysMemory } from "./adapters/clickhouseSliceKeys.ts";
import { createClickHouseTruthEngine } from "./adapters/clickhouseTruthEngine.ts";
import { createPostgresBacktests } from "./adapters/postgresBacktests.ts";
import { createTrialBuilds } from "./adapters/postgresTrialBuilds.ts";
import { runBacktest } from "./pipeline/runBacktest.ts";
import type { JobStores } from "./pipeline/runJob.ts";
import { JobRefusedError } from "./ports/jobQueue.ts";
import { type BatchWorld, openBatchWorld } from "./testing/batchWorld.ts";

const DAY = dayOf(NOON_MS, "UTC");
const ROWS = 4;
/** In memory there is one row more, whatever was written. */
const MARK = 1;

let world: BatchWorld;
beforeAll(async () => {
  // On a cluster no keys are in memory.
  vi.stubEnv("TEST_CLICKHOUSE_SHARDS", "1");
  world = await openBatchWorld();
  await world.addAdvertiser("adv_1", {
    timeZone: "UTC",
    campaigns: [{ id: "cmp_1", rates: [[0, 100n]] }],
  });
  const clicks = [0, 1].map((back) =>
    storedEvent({ event_id: `event-copied-${back}`, event_time: NOON_MS - back * HOUR_MS }),
  );
  await world.archive.append([...clicks, ...clicks]);
  await world.archive.archiveAll();
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await world.close();
});
afterEach(async () => {
  vi.restoreAllMocks();
  for (const table of await tablesInMemory()) {
    await world.archive.clickhouse.command({ query: `DROP TABLE ${table} SYNC` });
  }
  const running = (await world.jobs()).filter(({ state }) => state === "running");
  for (const { id } of running) await world.queue.fail(BigInt(id), "failed");
});

const nameRow = z.object({ name: z.string() });
const countRow = z.tuple([z.object({ rows: z.coerce.number() })]);

async function ask<Rows>(query: string, rows: z.ZodType<Rows>): Promise<Rows> {
  const answer = await world.archive.clickhouse.query({ query, format: "JSONEachRow" });
  return rows.parse(await answer.json());
}

async function tablesInMemory(): Promise<string[]> {
  const found = await ask(
    "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine = 'Memory'",
    z.array(nameRow),
  );
  return found.map(({ name }) => name);
}

async function rowsOf(table: string): Promise<number> {
  const [{ rows }] = await ask(`SELECT count() AS rows FROM ${table}`, countRow);
  return rows;
}

/** Where the keys are when the cube is counted from them, each table with its rows. */
function tellKeys(): Record<string, number> {
  const told: Record<string, number> = {};
  before("batch.cube", async () => {
    for (const table of ["truth_keys", ...(await tablesInMemory())]) {
      told[table] = await rowsOf(table);
    }
  });
  return told;
}

/** Does something before a statement of the engine, which is sent after that. */
function before(name: string, act: (query: string) => Promise<void>): void {
  const { clickhouse } = world.archive;
  const command = clickhouse.command.bind(clickhouse);
  vi.spyOn(clickhouse, "command").mockImplementation(async (params) => {
    if (params.clickhouse_settings?.log_comment === name) await act(params.query);
    return command(params);
  });
}

function storesWith(memory: Partial<KeysMemory>, suspectsAtOnce?: number): JobStores {
  const { clickhouse, clickhouseObjects: objects } = world.archive;
  const keysMemory = { ...KEYS_MEMORY, ...memory };
  const engine = createClickHouseTruthEngine(clickhouse, objects, null, keysMemory, suspectsAtOnce);
  return { ...world.stores, engine };
}

const leave = (name: string, sinceMs: number, rows: number) =>
  world.archive.clickhouse.command({
    query: `CREATE TABLE ${name} AS truth_keys ENGINE = Memory COMMENT '${sinceMs} ${rows}'`,
  });

// The slices of a day would not fit together.
it("keeps the keys of a slice in memory while it is judged, and no longer", async () => {
  const told = tellKeys();
  const { engine } = world.stores;
  const read = vi.fn(async (...args: Parameters<typeof engine.summarize>) => {
    expect(await tablesInMemory()).toEqual([]);
    return engine.summarize(...args);
  });
  await world.recount("adv_1", DAY, { ...world.stores, engine: { ...engine, summarize: read } });
  expect(read).toHaveBeenCalledOnce();
  const build = (await world.jobs()).at(-1)?.id;
  expect(told).toEqual({
    truth_keys: 0,
    [`truth_keys_${build}_${(NOON_MS - HOUR_MS) / 1_000}`]: ROWS + MARK,
  });
});

// The bound is one of the engine's memory. Where keys lie must change nothing of what is billed.
it("keeps keys of more rows than are allowed on disk while they are judged, and comes to the same", async () => {
  await world.recount("adv_1", DAY);
  const inMemory = await world.current("adv_1", DAY);
  const told = tellKeys();
  const stores = storesWith({ fewRowsMax: ROWS - 1 });
  expect(await world.recount("adv_1", DAY, stores)).toBe("verified");
  expect(told).toEqual({ truth_keys: ROWS });
  expect(inMemory?.rejects).toHaveLength(2);
  expect(await rowsOf("truth_keys")).toBe(0);
});

// Of an hour that is attacked every event may be a suspect. All at once would not fit into memory.
it("takes suspects in parts where there are many, and comes to the same", async () => {
  await world.recount("adv_1", DAY);
  const atOnce = await world.current("adv_1", DAY);
  const told: number[] = [];
  before("batch.sieve", async () => {
    told.push(await rowsOf("truth_suspects"));
  });
  expect(await world.recount("adv_1", DAY, storesWith({}, 1))).toBe("verified");
  expect(told).toHaveLength(ROWS);
  // Neither all of them first, nor all of them last.
  expect(told).toContain(ROWS / 2);
  expect(atOnce?.rejects).toHaveLength(2);
});

// Slices of a whole day are judged side by side, each beside what the others hold.
it("allows fewer rows where a job has many slices", async () => {
  const many = { sliceRowsMax: 1, slicesAtOnce: 1 };
  const told = tellKeys();
  const rows = { sliceRowsMax: ROWS / 2 - 1, fewRowsMax: ROWS };
  await world.recount("adv_1", DAY, { ...storesWith(rows), ...many });
  expect(told).toEqual({ truth_keys: ROWS / 2 });
});

// Runners that die one after the other would fill the engine's memory, and then no query of any report runs.
it("keeps keys on disk while what others have in memory leaves no room for them", async () => {
  await leave("truth_keys_1001_1", Date.now(), 7);
  const told = tellKeys();
  await world.recount("adv_1", DAY, storesWith({ rowsMax: 7 + ROWS - 1 }));
  expect(told).toEqual({ truth_keys: ROWS, truth_keys_1001_1: 0 });
  expect(await tablesInMemory()).toEqual(["truth_keys_1001_1"]);
});

it("drops from memory what attempts left that died, and nothing that may be at work", async () => {
  await leave("truth_keys_1001_1", Date.now() - HOUR_MS - 1, KEYS_MEMORY.rowsMax);
  await leave("truth_keys_1002_1", Date.now() - HOUR_MS / 2, KEYS_MEMORY.rowsMax - ROWS);
  const told = tellKeys();
  await world.recount("adv_1", DAY);
  expect(Object.keys(told)).toHaveLength(3);
  expect(await tablesInMemory()).toEqual(["truth_keys_1002_1"]);
});

// An engine that is started anew has an empty table. That passes, so the job must be tried again.
it.each(["batch.sieve", "batch.cube"])(
  "does not refuse a job whose keys are gone from memory before %s, but fails it in passing",
  async (statement) => {
    before(statement, async () => {
      for (const table of await tablesInMemory()) {
        await world.archive.clickhouse.command({ query: `TRUNCATE TABLE ${table}` });
      }
    });
    const counted = world.recount("adv_1", DAY);
    await expect(counted).rejects.toThrow(/^truth_keys_\d+_\d+ is not what it was: /);
    await expect(counted).rejects.not.toBeInstanceOf(JobRefusedError);
  },
);

/** Fails while keys are in memory. */
function failSieves(): void {
  before("batch.sieve", async () => {
    expect(await tablesInMemory()).toHaveLength(1);
    throw new Error("the engine is gone");
  });
}

it("leaves nothing in memory of a job that failed", async () => {
  failSieves();
  await expect(world.recount("adv_1", DAY)).rejects.toThrow("the engine is gone");
  expect(await tablesInMemory()).toEqual([]);
});

it("leaves nothing in memory of a back-test that failed", async () => {
  const { db, clickhouse } = world.archive;
  const backtests = createPostgresBacktests(db);
  const builds = createTrialBuilds(db, clickhouse);
  const partition = { advertiserId: advertiserIdSchema.parse("adv_1"), billingDay: DAY };
  const trial = {
    ...({
      id: 0,
      attempt: 1,
      ruleId: "double_click",
      enabled: true,
      parameters: { seconds: 60 },
    } as const),
    partitions: [{ ...partition, bounds: dayBounds(DAY, "UTC"), currency: "EUR" }],
  };
  failSieves();
  const run = runBacktest(
    { ...world.stores, builds, backtests },
    trial,
    new AbortController().signal,
  );
  await expect(run).rejects.toThrow("the engine is gone");
  expect(await tablesInMemory()).toEqual([]);
});

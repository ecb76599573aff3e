import { HOUR_MS } from "@trueclick/shared/time";
import { afterAll, beforeAll, expect, it } from "vitest";
import { archiveObjects, archiveStretches } from "../postgres/schema/archive.ts";
import { engineCounters, processorUse } from "../postgres/schema/processorUse.ts";
import { openTestStores, type TestStores } from "../testing/testStores.ts";
import { eventCost, noteClickHouseUse, noteProcessorUse } from "./processorUse.ts";

let stores: TestStores;
beforeAll(async () => {
  stores = await openTestStores();
});
afterAll(() => stores.close());

const prices = { coreHourMicros: 40_000, gbMonthMicros: 20_000 };
/** Half past: the running hour is no part of what is told. */
const HOUR = Math.floor(Date.now() / HOUR_MS) * HOUR_MS;
const nowMs = HOUR + HOUR_MS / 2;

it("tells nothing before anything was counted", async () => {
  expect(await eventCost(stores, prices, nowMs)).toMatchObject({
    ...{ events: 0, processors: [], archivedBytes: null, perBillionEventsMicros: null },
  });
});

it("tells what a billion events cost by the last whole hours", async () => {
  const topic = "clicks.raw";
  const use = (program: string, hoursAgo: number, cpuMs: number) => {
    return { program, hour: new Date(HOUR - hoursAgo * HOUR_MS), cpuMs };
  };
  await stores.db
    .insert(processorUse)
    .values([
      use("edge", 24, 1_800_000),
      use("edge", 1, 1_800_000),
      use("aggregator", 2, 3_600_000),
      use("edge", 25, 9_000_000),
      use("edge", 0, 9_000_000),
    ]);
  const stretch = (firstOffset: bigint, events: bigint, hoursAgo: number) => ({
    ...{ topic, partition: 0, firstOffset, lastOffset: firstOffset, events },
    createdAt: new Date(HOUR - hoursAgo * HOUR_MS + 1),
  });
  await stores.db
    .insert(archiveStretches)
    .values([stretch(0n, 900n, 25), stretch(1n, 1_500_000n, 24), stretch(2n, 500_000n, 1)]);
  await stores.db.insert(archiveStretches).values(stretch(3n, 77n, 0));
  const object = {
    ...{ topic, partition: 0, firstOffset: 0n, lastOffset: 0n, eventHour: new Date(HOUR) },
    sha256: "0".repeat(64),
  };
  await stores.db.insert(archiveObjects).values([
    { ...object, path: "a", rows: 3n, bytes: 120n },
    { ...object, path: "b", rows: 1n, bytes: 80n },
    { ...object, path: "old", rows: 1n, bytes: 9_999n, compactedInto: "b" },
  ]);
  // Two hours of a core for two million events, so 1,000 for a billion; 50 bytes each, 50 GB.
  expect(await eventCost(stores, prices, nowMs)).toEqual({
    events: 2_000_000,
    processors: [
      { program: "aggregator", seconds: 3_600 },
      { program: "edge", seconds: 3_600 },
    ],
    archivedBytes: 50,
    processorsMicros: 40_000_000,
    archiveMonthMicros: 1_000_000,
    perBillionEventsMicros: 41_000_000,
  });
});

it("adds up what processes note, and what the engine used between two looks, whoever looks", async () => {
  const { db, clickhouse } = stores;
  await db.delete(processorUse);
  await Promise.all([10.4, 20, 30].map((ms) => noteProcessorUse({ db }, "edge", ms)));
  const usedBy = async (program: string) => {
    const rows = await db.select().from(processorUse);
    return rows
      .filter((row) => row.program === program)
      .reduce((total, { cpuMs }) => total + cpuMs, 0);
  };
  expect(await usedBy("edge")).toBe(60);

  await noteClickHouseUse(stores);
  expect(await usedBy("clickhouse")).toBe(0);
  const [first] = await db.select().from(engineCounters);
  expect(first?.value).toBeGreaterThan(0);
  await clickhouse.query({ query: "SELECT sum(cityHash64(number)) FROM numbers(30000000)" });
  await Promise.all([noteClickHouseUse(stores), noteClickHouseUse(stores)]);
  const [then] = await db.select().from(engineCounters);
  const between = ((then?.value ?? 0) - (first?.value ?? 0)) / 1_000;
  expect(Math.abs((await usedBy("clickhouse")) - between)).toBeLessThanOrEqual(2);
  // An engine that was started anew begins at nothing.
  await db.update(engineCounters).set({ value: Number.MAX_SAFE_INTEGER });
  const before = await usedBy("clickhouse");
  await noteClickHouseUse(stores);
  const [anew] = await db.select().from(engineCounters);
  expect((await usedBy("clickhouse")) - before).toBe(Math.round((anew?.value ?? 0) / 1_000));
});

import { streamCheckpoints } from "@trueclick/db/postgres/schema/stream";
import { createTestObjectsDir } from "@trueclick/local-stack/testing";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { ledger } from "./stream/testing/ledger.ts";
import {
  ALLOWED_LATENESS_MS,
  openStreamWorld,
  PARTITIONS,
  type StreamWorld,
  TOPIC,
} from "./stream/testing/streamWorld.ts";
import { type AggregatorProcess, startAggregatorProcess } from "./testing/aggregatorProcess.ts";

let world: StreamWorld;
let running: AggregatorProcess[] = [];
beforeEach(async () => {
  world = await openStreamWorld();
});
afterEach(async () => {
  await Promise.all(running.map((aggregator) => aggregator.end("SIGKILL")));
  running = [];
  await world.close();
});

const PATIENCE = { timeout: 30_000, interval: 50 };

async function start(settings: Readonly<Record<string, string>> = {}) {
  const aggregator = await startAggregatorProcess({
    DATABASE_URL: world.databaseUrl,
    CLICKHOUSE_URL: world.clickhouseUrl,
    AGGREGATOR_ROLES: "stream",
    ALLOWED_LATENESS_MS: `${ALLOWED_LATENESS_MS}`,
    ...settings,
  });
  running.push(aggregator);
  return aggregator;
}

const ready = (aggregator: AggregatorProcess) =>
  vi.waitFor(async () => {
    expect((await fetch(`${aggregator.url}/readyz`)).status).toBe(200);
  }, PATIENCE);

async function counted(): Promise<bigint> {
  const rows = await world.db.select().from(streamCheckpoints);
  return rows.reduce((sum, row) => sum + row.nextOffset, 0n);
}

it("shows an event within seconds of its append, and stops within seconds of being told", async () => {
  const aggregator = await start();
  await ready(aggregator);
  const appender = await world.eventLog.appender(TOPIC);
  const blocks = ledger(40, PARTITIONS, Date.now());

  const appendedMs = performance.now();
  await appender.append(blocks);
  await vi.waitFor(async () => {
    const { cells, rejects } = await world.visible();
    expect(cells.length).toBeGreaterThan(0);
    expect(rejects.length).toBeGreaterThan(0);
    expect(await counted()).toBe(BigInt(blocks.length));
  }, PATIENCE);
  expect(performance.now() - appendedMs).toBeLessThan(5_000);
  await appender.close();

  const metrics = await (await fetch(`${aggregator.url}/metrics`)).text();
  expect(metrics).toMatch(/^trueclick_stream_lag_records\{partition="0"\} 0$/m);
  expect(metrics).toMatch(/^trueclick_stream_events_total\{outcome="counted"\} [1-9]/m);
  expect((await fetch(`${aggregator.url}/healthz`)).status).toBe(200);

  const toldMs = performance.now();
  expect(await aggregator.end("SIGTERM")).toBe(0);
  expect(performance.now() - toldMs).toBeLessThan(5_000);
});

// kill -9 leaves whatever was on its way half done; the next start must make it whole.
it("counts the same through kill -9 after kill -9 as in one go", async () => {
  const appender = await world.eventLog.appender(TOPIC);
  const blocks = ledger(1_200, PARTITIONS, Date.now() - ALLOWED_LATENESS_MS);
  const portion = Math.ceil(blocks.length / 4);
  for (let life = 0; life < 4; life += 1) {
    const aggregator = await start({ STREAM_FLUSH_INTERVAL_MS: "20" });
    await ready(aggregator);
    const before = await counted();
    const appending = blocks.slice(life * portion, (life + 1) * portion);
    for (const block of appending) await appender.append([block]);
    await vi.waitFor(async () => expect(await counted()).toBeGreaterThan(before), PATIENCE);
    await aggregator.end("SIGKILL");
  }
  await appender.close();
  await world.countAll();
  const killed = await world.visible();
  expect(killed.cells.length).toBeGreaterThan(20);

  await world.db.delete(streamCheckpoints);
  await world.clickhouse.command({ query: "TRUNCATE TABLE hot_minutes" });
  await world.clickhouse.command({ query: "TRUNCATE TABLE stream_rejects" });
  await world.countAll();
  expect(await world.visible()).toEqual(killed);
});

it("leaves a partition to its newer owner, and ends when it has none left", async () => {
  const older = await start();
  await ready(older);
  const newer = await start();
  await ready(newer);
  const appender = await world.eventLog.appender(TOPIC);
  await appender.append(ledger(60, PARTITIONS, Date.now()));
  await appender.close();
  expect(await older.ended).toBe(1);
  expect(older.lines.join("\n")).toContain('"reason":"deposed"');
  await ready(newer);
});

it("stops a partition whose log has expired under its checkpoint, and says so", async () => {
  const lost = { topic: TOPIC, partition: 0, epoch: 1n, nextOffset: 90n, restartOffset: 80n };
  await world.db.insert(streamCheckpoints).values(lost);
  const aggregator = await start();
  await vi.waitFor(async () => {
    const metrics = await (await fetch(`${aggregator.url}/metrics`)).text();
    expect(metrics).toMatch(/^trueclick_stream_partition_stopped\{partition="0"\} 1$/m);
    expect(metrics).toMatch(/^trueclick_stream_partition_stopped\{partition="1"\} 0$/m);
  }, PATIENCE);
  expect((await fetch(`${aggregator.url}/readyz`)).status).toBe(503);
  expect(aggregator.lines.join("\n")).toContain('"reason":"offset_out_of_range"');
});

it("plays every role at once, and stops them all within seconds", async () => {
  const OBJECTS_DIR = await createTestObjectsDir();
  const aggregator = await start({ AGGREGATOR_ROLES: "stream,archive,batch", OBJECTS_DIR });
  await ready(aggregator);
  const appender = await world.eventLog.appender(TOPIC);
  const blocks = ledger(20, PARTITIONS, Date.now());
  await appender.append(blocks);
  await appender.close();
  await vi.waitFor(async () => expect(await counted()).toBe(BigInt(blocks.length)), PATIENCE);
  const toldMs = performance.now();
  expect(await aggregator.end("SIGTERM")).toBe(0);
  expect(performance.now() - toldMs).toBeLessThan(5_000);
});

it("ends with a fault that no repetition would mend", async () => {
  await world.clickhouse.command({ query: "DROP TABLE hot_minutes SYNC" });
  const aggregator = await start();
  await ready(aggregator);
  const appender = await world.eventLog.appender(TOPIC);
  await appender.append(ledger(20, PARTITIONS, Date.now()));
  await appender.close();
  expect(await aggregator.ended).toBe(1);
});

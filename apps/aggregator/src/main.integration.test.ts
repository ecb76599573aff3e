import { campaigns } from "@trueclick/db/postgres/schema/campaigns";
import { partitionLeases } from "@trueclick/db/postgres/schema/leases";
import { logTopics } from "@trueclick/db/postgres/schema/log";
import { streamCheckpoints } from "@trueclick/db/postgres/schema/stream";
import { campaignPacing } from "@trueclick/db/queries/pacing";
import { createTestObjectsDir } from "@trueclick/local-stack/testing";
import { eq } from "drizzle-orm";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { blockOf, storedClick } from "./stream/testing/fixtures.ts";
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

const LEASE_MS = 1_500;
const PATIENCE = { timeout: 120_000, interval: 50 };
/** "Within seconds", on a machine that has much else to do. */
const SECONDS_MS = 15_000;

async function start(settings: Readonly<Record<string, string>> = {}) {
  const aggregator = await startAggregatorProcess({
    DATABASE_URL: world.databaseUrl,
    CLICKHOUSE_URL: world.clickhouseUrl,
    AGGREGATOR_ROLES: "stream",
    LEASE_MS: `${LEASE_MS}`,
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
  expect(performance.now() - appendedMs).toBeLessThan(SECONDS_MS);
  await appender.close();

  const metrics = await (await fetch(`${aggregator.url}/metrics`)).text();
  expect(metrics).toMatch(/^trueclick_stream_lag_records\{partition="0"\} 0$/m);
  expect(metrics).toMatch(/^trueclick_stream_events_total\{outcome="counted"\} [1-9]/m);
  expect((await fetch(`${aggregator.url}/healthz`)).status).toBe(200);

  const toldMs = performance.now();
  expect(await aggregator.end("SIGTERM")).toBe(0);
  expect(performance.now() - toldMs).toBeLessThan(SECONDS_MS);
  expect(aggregator.lines.join("\n")).toContain('"stopped"');
});

it("flags a campaign that is over its daily budget within seconds of the click", async () => {
  await world.db.update(campaigns).set({ dailyBudgetMicros: 250_000n });
  const aggregator = await start();
  await ready(aggregator);
  const isOver = async () => {
    const { rows } = await campaignPacing(world, { kind: "all" });
    return rows.map(({ overDelivery }) => overDelivery);
  };
  const appender = await world.eventLog.appender(TOPIC);
  const send = async (id: string) => {
    const event = storedClick({ event_id: id, event_time: Date.now() });
    await appender.append([{ partition: 0, value: blockOf([event]) }]);
  };
  await send("budget-1");
  await vi.waitFor(async () => expect(await counted()).toBe(1n), PATIENCE);
  expect(await isOver()).toEqual([false]);
  await send("budget-2");
  await appender.close();
  // The clock is the machine's: how soon it is on a quiet one, the bench says.
  await vi.waitFor(async () => expect(await isOver()).toEqual([true]), PATIENCE);
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

/** How many partitions each member holds. */
async function holders(): Promise<Map<string, number>> {
  const leases = await world.db
    .select()
    .from(partitionLeases)
    .where(eq(partitionLeases.leaseGroup, `stream:${TOPIC}`));
  const held = new Map<string, number>();
  for (const { holder } of leases)
    if (holder !== null) held.set(holder, (held.get(holder) ?? 0) + 1);
  return held;
}

const spread = (counts: readonly number[]) =>
  vi.waitFor(async () => expect([...(await holders()).values()]).toEqual(counts), PATIENCE);

it("shares the partitions out as processes come and go, without hands", async () => {
  const first = await start();
  await ready(first);
  await spread([2]);
  const second = await start();
  await spread([1, 1]);
  await ready(second);

  // Told to stop, it gives up its lease: nobody waits for that to run out.
  expect(await first.end("SIGTERM")).toBe(0);
  expect((await holders()).size).toBe(1);
  await spread([2]);

  const third = await start();
  await spread([1, 1]);
  await second.end("SIGKILL");
  await spread([2]);
  await ready(third);
});

it("takes over at once what an earlier life of the same instance held", async () => {
  const settings = { AGGREGATOR_INSTANCE: "pod-0", LEASE_MS: "60000" };
  const epochs = async () =>
    (await world.db.select().from(streamCheckpoints)).map(({ epoch }) => epoch);
  const first = await start(settings);
  await ready(first);
  await spread([2]);
  // A partition is leased first and acquired then: only what was acquired can be taken over.
  await vi.waitFor(async () => expect(await epochs()).toEqual([1n, 1n]), PATIENCE);
  await first.end("SIGKILL");
  await start(settings);
  await vi.waitFor(async () => expect(await epochs()).toEqual([2n, 2n]), PATIENCE);
});

// A machine that was paused wakes up with rows in memory, and goes on writing them.
it("counts the same when a halted process wakes up after others took over", async () => {
  const zombie = await start({ STREAM_FLUSH_INTERVAL_MS: "20" });
  await ready(zombie);
  const appender = await world.eventLog.appender(TOPIC);
  const blocks = ledger(1_200, PARTITIONS, Date.now() - ALLOWED_LATENESS_MS);
  const portion = Math.ceil(blocks.length / 3);
  const append = async (from: number) => {
    for (const block of blocks.slice(from * portion, (from + 1) * portion)) {
      await appender.append([block]);
    }
  };
  const appending = append(0);
  await vi.waitFor(async () => expect(await counted()).toBeGreaterThan(0n), PATIENCE);
  zombie.halt();
  await appending;

  const heir = await start({ STREAM_FLUSH_INTERVAL_MS: "20" });
  await spread([2]);
  await ready(heir);
  await append(1);
  const during = BigInt(2 * portion);
  await vi.waitFor(async () => expect(await counted()).toBe(during), PATIENCE);
  zombie.goOn();
  await append(2);
  await appender.close();
  await spread([1, 1]);
  await vi.waitFor(async () => expect(await counted()).toBe(BigInt(blocks.length)), PATIENCE);
  await Promise.all([zombie.end("SIGTERM"), heir.end("SIGTERM")]);
  const shared = await world.visible();

  await world.db.delete(streamCheckpoints);
  await world.clickhouse.command({ query: "TRUNCATE TABLE hot_minutes" });
  await world.clickhouse.command({ query: "TRUNCATE TABLE stream_rejects" });
  await world.countAll();
  expect(shared).toEqual(await world.visible());
});

it("stops a partition whose log ends before its checkpoint, and says so", async () => {
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

it("reads no topic that has taken the name of the one it knows, and says so", async () => {
  await world.db.insert(logTopics).values({ topic: TOPIC, topicId: "the one before" });
  const OBJECTS_DIR = await createTestObjectsDir();
  const aggregator = await start({ AGGREGATOR_ROLES: "stream,archive", OBJECTS_DIR });
  const appender = await world.eventLog.appender(TOPIC);
  await appender.append(ledger(20, PARTITIONS, Date.now()));
  await appender.close();
  await vi.waitFor(async () => {
    const metrics = await (await fetch(`${aggregator.url}/metrics`)).text();
    expect(metrics).toMatch(/^trueclick_stream_partition_stopped\{partition="0"\} 1$/m);
    expect(metrics).toMatch(/^trueclick_log_topic_replaced\{role="stream"\} 1$/m);
    expect(metrics).toMatch(/^trueclick_log_topic_replaced\{role="archive"\} 1$/m);
  }, PATIENCE);
  expect((await fetch(`${aggregator.url}/readyz`)).status).toBe(503);
  const told = aggregator.lines.join("\n");
  expect(told).toContain('"reason":"topic_replaced"');
  expect(told).toContain("the archive stops: the topic is another one");
  expect(await world.db.select().from(streamCheckpoints)).toEqual([]);
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
  expect(performance.now() - toldMs).toBeLessThan(SECONDS_MS);
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

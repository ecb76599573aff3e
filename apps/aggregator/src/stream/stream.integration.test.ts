import { openClickHouse } from "@trueclick/db/clickhouse/client";
import { streamCheckpoints, streamDirtyHours } from "@trueclick/db/postgres/schema/stream";
import { MINUTE_MS } from "@trueclick/shared/time";
import { eq } from "drizzle-orm";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createClickHouseHotStore } from "./adapters/clickhouseHotStore.ts";
import { createPostgresCheckpointStore } from "./adapters/postgresCheckpointStore.ts";
import { initialCheckpoint, PartitionEngine } from "./domain/partitionEngine.ts";
import { StaleEpochError } from "./ports/checkpointStore.ts";
import { StoreRejectedError, StoreUnavailableError } from "./ports/faults.ts";
import { blockOf, CAMPAIGNS, HASH_KEY, storedClick } from "./testing/fixtures.ts";
import { ledger } from "./testing/ledger.ts";
import {
  ALLOWED_LATENESS_MS,
  openStreamWorld,
  PARTITIONS,
  type StreamWorld,
  TOPIC,
} from "./testing/streamWorld.ts";

/** Half an hour ago: the hot store lets go of what is older than its days. */
const START_MS = Math.floor(Date.now() / MINUTE_MS - 30) * MINUTE_MS;

const { signal } = new AbortController();

describe("a log, counted", () => {
  let world: StreamWorld;
  beforeEach(async () => {
    world = await openStreamWorld();
  });
  afterEach(() => world.close());

  it("shows what was counted, by cube, and every event that was not, with its reason", async () => {
    const blocks = ledger(400, PARTITIONS, START_MS);
    await world.eventLog.admin().restore(TOPIC, blocks);
    await world.countAll();
    const { cells, rejects, checkpoints } = await world.visible();

    const first = new Set<string>();
    const expected = { valid: 0, duplicate: 0, robots: 0 };
    for (const { event_id: id, campaign_id, flags, event_time } of inTime(blocks)) {
      if (first.has(`${id}/${Math.floor(event_time / MINUTE_MS)}`)) expected.duplicate += 1;
      else if (campaign_id === "cmp_1") expected[flags.length === 0 ? "valid" : "robots"] += 1;
      first.add(`${id}/${Math.floor(event_time / MINUTE_MS)}`);
    }
    for (const cube of ["ad", "geo", "device", "publisher"]) {
      expect(sumOf(cells, "clicks", { cube })).toBe(expected.valid);
      expect(sumOf(cells, "invalid_clicks", { cube })).toBe(expected.robots);
      expect(sumOf(cells, "givt_clicks", { cube })).toBe(expected.robots);
      expect(sumOf(cells, "cost_micros", { cube })).toBe(expected.valid * 250_000);
    }
    expect(rejects.filter(withField("reason", "duplicate"))).toHaveLength(expected.duplicate);
    const totals = ["countedTotal", "duplicateTotal", "invalidTotal", "lateTotal"];
    const events = blocks.reduce((sum, block) => sum + block.events.length, 0);
    expect(totals.reduce((sum, name) => sum + sumOf(checkpoints, name, {}), 0)).toBe(events);
    expect(sumOf(checkpoints, "countedTotal", {})).toBe(expected.valid);
  });

  // The guarantee that makes any recovery safe: reading again, from anywhere, is always allowed.
  it("changes nothing when the whole log is read again over a filled store", async () => {
    await world.eventLog.admin().restore(TOPIC, ledger(400, PARTITIONS, START_MS));
    await world.countAll();
    const before = await world.visible();
    expect(before.cells.length).toBeGreaterThan(20);
    expect(sumOf(before.users, "users", {})).toBeGreaterThan(90);
    expect(before.rejects.length).toBeGreaterThan(20);

    await world.db.delete(streamCheckpoints);
    await world.countAll();
    expect(await world.visible()).toEqual(before);
  });

  it("goes on from a checkpoint in the middle of open windows", async () => {
    const blocks = ledger(400, PARTITIONS, START_MS);
    const half = Math.floor(blocks.length / 2);
    const admin = world.eventLog.admin();
    await admin.restore(TOPIC, blocks.slice(0, half));
    await world.countAll();
    await admin.restore(TOPIC, blocks.slice(half));
    await world.countAll();

    const inParts = await world.visible();
    expect(inParts.cells.length).toBeGreaterThan(20);
    await world.db.delete(streamCheckpoints);
    await world.clickhouse.command({ query: "TRUNCATE TABLE hot_minutes" });
    await world.clickhouse.command({ query: "TRUNCATE TABLE stream_rejects" });
    await world.clickhouse.command({ query: "TRUNCATE TABLE hot_users" });
    await world.countAll();
    expect(await world.visible()).toEqual(inParts);
  });
});

describe("a checkpoint", () => {
  let world: StreamWorld;
  beforeAll(async () => {
    world = await openStreamWorld();
  });
  afterAll(() => world.close());

  let topics = 0;
  const logFrom = (startOffset: bigint) => ({ startOffset, endOffset: 20n });
  const topic = () => {
    topics += 1;
    return `topic_${topics}`;
  };
  const moved = { ...initialCheckpoint(0n), nextOffset: 9n, watermarkMs: 60_000, appendTimeMs: 1 };

  it("is refused from an owner that was deposed, and moves nothing", async () => {
    const store = createPostgresCheckpointStore(world.db, topic());
    const deposed = await store.acquire(0, logFrom(3n));
    const owner = await store.acquire(0, logFrom(3n));
    expect(owner.epoch).toBe(deposed.epoch + 1n);
    await expect(store.commit(deposed, moved, [])).rejects.toBeInstanceOf(StaleEpochError);
    expect((await store.acquire(0, logFrom(3n))).checkpoint).toEqual(initialCheckpoint(3n));
  });

  it("never moves back, should a commit given up as lost arrive late", async () => {
    const store = createPostgresCheckpointStore(world.db, topic());
    const owner = await store.acquire(0, logFrom(0n));
    await store.commit(owner, moved, []);
    await store.commit(owner, moved, []);
    await store.commit(owner, { ...moved, nextOffset: 5n }, []);
    expect((await store.acquire(0, logFrom(0n))).checkpoint).toEqual(moved);
  });

  it("brings how the log is counted from its restart offset on, and marks what was left out", async () => {
    const own = topic();
    const store = createPostgresCheckpointStore(world.db, own);
    const owner = await store.acquire(0, logFrom(0n));
    const changeAt = (offsetFrom: bigint, level: number) => {
      return { offsetFrom, level, allowedLatenessMs: 600_000, cause: "behind the log" };
    };
    const at = (nextOffset: bigint) => ({ ...moved, nextOffset, restartOffset: nextOffset - 1n });
    const facts = { degradedHoursMs: [], cutHoursMs: [], modeChange: changeAt(3n, 1) };
    await store.commit(owner, at(3n), [], facts);
    const degradedHoursMs = [START_MS - (START_MS % 3_600_000)];
    await store.commit(owner, at(9n), [], {
      ...facts,
      degradedHoursMs,
      modeChange: changeAt(9n, 2),
    });
    // Given up as lost, it arrives again, and late.
    await store.commit(owner, at(9n), [], {
      ...facts,
      degradedHoursMs,
      modeChange: changeAt(9n, 2),
    });
    await store.commit(owner, at(3n), [], facts);

    expect((await store.acquire(0, logFrom(0n))).modes).toEqual([changeAt(3n, 1), changeAt(9n, 2)]);
    const [{ level } = { level: null }] = await world.db
      .select()
      .from(streamCheckpoints)
      .where(eq(streamCheckpoints.topic, own));
    expect(level).toBe(2);
    const dirty = await world.db
      .select()
      .from(streamDirtyHours)
      .where(eq(streamDirtyHours.topic, own));
    expect(dirty).toMatchObject([{ cause: "degraded", partition: 0, healedAt: null }]);
  });

  it("keeps how far there may be rows, for owners to come, and never moves it back", async () => {
    const own = topic();
    const store = createPostgresCheckpointStore(world.db, own);
    const deposed = await store.acquire(0, logFrom(3n));
    // Its checkpoint may have been deleted: whoever counted before has written rows of anything.
    expect(deposed.announcedOffset).toBe(20n);
    const owner = await store.acquire(0, logFrom(3n));
    await store.announce(owner, 25n);
    await store.announce(owner, 22n);
    await expect(store.announce(deposed, 30n)).rejects.toBeInstanceOf(StaleEpochError);
    await store.commit(owner, moved, []);
    const longer = { startOffset: 3n, endOffset: 90n };
    expect((await store.acquire(0, longer)).announcedOffset).toBe(25n);
    const byForm = eq(streamCheckpoints.topic, own);
    await world.db.update(streamCheckpoints).set({ announcedOffset: null }).where(byForm);
    expect((await store.acquire(0, longer)).announcedOffset).toBe(90n);
  });

  it("belongs to its partition and topic alone", async () => {
    const store = createPostgresCheckpointStore(world.db, topic());
    await store.commit(await store.acquire(0, logFrom(0n)), moved, []);
    const other = createPostgresCheckpointStore(world.db, topic());
    expect((await store.acquire(1, logFrom(0n))).checkpoint).toEqual(initialCheckpoint(0n));
    expect((await other.acquire(0, logFrom(0n))).checkpoint).toEqual(initialCheckpoint(0n));
  });
});

describe("the hot store", () => {
  let world: StreamWorld;
  beforeAll(async () => {
    world = await openStreamWorld();
  });
  afterAll(() => world.close());

  // A deposed owner's rows may arrive after those of its successor.
  it("keeps the newest counts however often and late others are written", async () => {
    const engine = engineFromStart();
    const older = cellsAfterClick(engine, 0n);
    const newer = cellsAfterClick(engine, 1n);
    const store = createClickHouseHotStore(world.clickhouse);
    for (const cells of [newer, older, older, newer, older]) {
      await store.writeCells(0, cells, signal);
    }
    await store.writeCells(1, older, signal);
    const { cells } = await world.visible();
    expect(sumOf(cells, "clicks", { cube: "ad", partition: 0 })).toBe(2);
    expect(sumOf(cells, "clicks", { cube: "ad", partition: 1 })).toBe(1);
  });

  it("says that it is unavailable, so that rows are written again, when nobody answers", async () => {
    const cells = cellsAfterClick(engineFromStart(), 0n);
    const nobody = openClickHouse("http://127.0.0.1:1");
    const store = createClickHouseHotStore(nobody);
    await expect(store.writeCells(0, cells, signal)).rejects.toBeInstanceOf(StoreUnavailableError);
    await nobody.close();
  });

  it("says that it refuses, so that the stream stops, what no repetition would mend", async () => {
    const cells = cellsAfterClick(engineFromStart(), 0n);
    await world.clickhouse.command({ query: "DROP TABLE hot_minutes SYNC" });
    const store = createClickHouseHotStore(world.clickhouse);
    await expect(store.writeCells(0, cells, signal)).rejects.toBeInstanceOf(StoreRejectedError);
  });
});

function engineFromStart(): PartitionEngine {
  const limits = { allowedLatenessMs: ALLOWED_LATENESS_MS, openEntriesMax: 100 };
  const options = { partition: 0, ...limits, hashKey: HASH_KEY };
  return new PartitionEngine(options, initialCheckpoint(0n));
}

/** The cells that a further click leads to, all clicks being of one minute. */
function cellsAfterClick(engine: PartitionEngine, offset: bigint) {
  const click = storedClick({ event_id: `evt-0000000${offset}`, event_time: START_MS });
  engine.admit({ offset, appendTimeMs: START_MS, value: blockOf([click]) }, CAMPAIGNS);
  return engine.takeChanges().cells;
}

/** Events that are not late: here none but those sent ten minutes after their time. */
function inTime(blocks: ReturnType<typeof ledger>) {
  return blocks.flatMap(({ appendTimeMs, events }) => {
    const watermarkMs = appendTimeMs - ALLOWED_LATENESS_MS;
    const endMs = (time: number) => (Math.floor(time / MINUTE_MS) + 1) * MINUTE_MS;
    return events.filter(({ event_time: time }) => endMs(time) > watermarkMs);
  });
}

function withField(name: string, value: unknown) {
  return (row: unknown) => fieldOf(row, name) === value;
}

function fieldOf(row: unknown, name: string): unknown {
  return new Map(Object.entries(Object(row))).get(name);
}

function sumOf(rows: readonly unknown[], name: string, where: Record<string, unknown>): number {
  return rows
    .filter((row) => Object.entries(where).every(([key, value]) => withField(key, value)(row)))
    .reduce((sum: number, row) => sum + Number(fieldOf(row, name)), 0);
}

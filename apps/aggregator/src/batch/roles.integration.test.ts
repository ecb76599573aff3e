import { NOON_MS, storedEvent } from "@trueclick/archive/testing/storedEvents";
import { archiveCheckpoints, archiveFlushRequests } from "@trueclick/db/postgres/schema/archive";
import { dayOf } from "@trueclick/shared/calendar";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { composeArchive } from "../archive/composeArchive.ts";
import { testLeases } from "../leases/testing/testLeases.ts";
import { composeBatch } from "./composeBatch.ts";
import { type BatchWorld, openBatchWorld } from "./testing/batchWorld.ts";

const DAY = dayOf(NOON_MS, "UTC");
const HOUR_MS = 3_600_000;
const WAIT = { timeout: 120_000, interval: 50 };
const logger = { info() {}, warn() {}, error() {} };

let world: BatchWorld;
let stop: AbortController;
let roles: Promise<unknown>;
beforeEach(async () => {
  world = await openBatchWorld();
  stop = new AbortController();
  const { db, clickhouse, clickhouseObjects, objects: objectStore, reader, topic } = world.archive;
  const deps = { db, clickhouse, clickhouseObjects, objectStore, logger };
  const leases = testLeases(db, { name: "archive", log: reader });
  const signals = { stopping: stop.signal, deadline: new AbortController().signal };
  roles = Promise.all([
    // An hour: what is archived within this test was asked for.
    composeArchive({ ...deps, reader, leases, settings: { flushIntervalMs: HOUR_MS } }, signals),
    composeBatch(
      {
        ...deps,
        settings: {
          topic,
          tzdata: "test",
          scheduleIntervalMs: 0,
          sweepAfterMs: 24 * HOUR_MS,
          allowedLatenessMs: 1,
        },
      },
      stop.signal,
    ),
  ]);
});
afterEach(async () => {
  stop.abort();
  await roles;
  await world.close();
});

async function requestFlush(): Promise<void> {
  const requestedAt = new Date();
  await world.archive.db
    .insert(archiveFlushRequests)
    .values({ topic: world.archive.topic, requestedAt })
    .onConflictDoUpdate({ target: archiveFlushRequests.topic, set: { requestedAt } });
}

/** What `batch run` does: note the ends of the log, ask for a flush, wait until they are reached. */
async function flushAll(): Promise<void> {
  const { reader, db } = world.archive;
  const ends = await Promise.all([0, 1].map((partition) => reader.offsets(partition)));
  await requestFlush();
  await vi.waitFor(async () => {
    const checkpoints = await db
      .select()
      .from(archiveCheckpoints)
      .orderBy(archiveCheckpoints.partition);
    expect(checkpoints.map(({ nextOffset }) => nextOffset)).toEqual(
      ends.map(({ endOffset }) => endOffset),
    );
  }, WAIT);
}

function clicks(from: number, to: number) {
  return Array.from({ length: to - from }, (_, at) =>
    storedEvent({ event_id: `evt-${String(from + at).padStart(5, "0")}` }),
  );
}

it("archives on request and works off the queue, again and again, until it is stopped", async () => {
  await world.addAdvertiser("adv_1", {
    timeZone: "UTC",
    campaigns: [{ id: "cmp_1", rates: [[0, 3n]] }],
  });
  for (const [round, clicksSoFar] of [
    [1, 40],
    [2, 55],
  ] as const) {
    await world.archive.append(clicks(round === 1 ? 0 : 30, clicksSoFar));
    await flushAll();
    await world.queueJob("adv_1", DAY);
    await vi.waitFor(async () => {
      expect(await world.current("adv_1", DAY)).toMatchObject({
        version: round,
        lines: [{ clicks: BigInt(clicksSoFar), costMicros: BigInt(3 * clicksSoFar) }],
      });
    }, WAIT);
  }
  expect(await world.archive.check()).toMatchObject({ problems: [] });
});

it("fails a job whose object is damaged with an error that names it, and goes on with others", async () => {
  await world.addAdvertiser("adv_1", { timeZone: "UTC", campaigns: [{ id: "cmp_1", rates: [] }] });
  await world.archive.append(clicks(0, 10));
  await flushAll();
  await world.archive.db.execute("update archive_objects set sha256 = repeat('0', 64)");
  await world.queueJob("adv_1", DAY);
  await world.queueJob("adv_1", "2026-01-01");
  await vi.waitFor(async () => {
    const [damaged, other] = await world.jobs();
    expect(damaged?.state).toBe("failed");
    expect(damaged?.error).toMatch(/^archive object raw\/event_hour=.* is damaged/);
    expect(other?.state).toBe("published");
  }, WAIT);
});

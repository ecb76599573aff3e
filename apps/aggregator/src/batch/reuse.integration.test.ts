import { NOON_MS, storedEvent } from "@trueclick/archive/testing/storedEvents";
import { rateCards } from "@trueclick/db/postgres/schema/campaigns";
import { batchJobSlices, truthVersions } from "@trueclick/db/postgres/schema/truth";
import { sweepDeadBuilds } from "@trueclick/db/queries/deadBuilds";
import { dayOf } from "@trueclick/shared/calendar";
import type { StoredEvent } from "@trueclick/shared/event/stored";
import { campaignIdSchema } from "@trueclick/shared/ids";
import { DAY_MS, HOUR_MS, SECOND_MS } from "@trueclick/shared/time";
import { eq, sql } from "drizzle-orm";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { type JobStores, runJob } from "./pipeline/runJob.ts";
import type { Job } from "./ports/jobQueue.ts";
import { type BatchWorld, openBatchWorld } from "./testing/batchWorld.ts";

const DAY = dayOf(NOON_MS, "UTC");
const HOURS = 5;

let world: BatchWorld;
let judgedHours: string[];
let stores: JobStores;
beforeEach(async () => {
  world = await openBatchWorld();
  await world.addAdvertiser("adv_1", {
    timeZone: "UTC",
    campaigns: [{ id: "cmp_1", rates: [[0, 100n]] }],
  });
  judgedHours = [];
  const { engine } = world.stores;
  stores = {
    ...world.stores,
    sliceRowsMax: 1,
    engine: {
      ...engine,
      judge: async (build, slice, threads) => {
        judgedHours.push(...slice.objects.map(({ path }) => hourIn(path)));
        await engine.judge(build, slice, threads);
      },
    },
  };
  await archive("first", [0, 1, 2, 3, 4]);
});
afterEach(() => world.close());

const hourIn = (path: string) => /T(\d\d)/.exec(path)?.[1] ?? "";
const hoursBack = (...back: readonly number[]) =>
  back.map((hours) => hourIn(new Date(NOON_MS - hours * HOUR_MS).toISOString()));
const judged = () => [...new Set(judgedHours.splice(0))].sort();
const recountChanged = () => world.recountChanged("adv_1", DAY, stores);
/** The same with all hours in one query: which are judged together makes no difference. */
const recountTogether = () =>
  world.recountChanged("adv_1", DAY, { ...stores, sliceRowsMax: 500_000 });

/** A click in each of some hours before noon, and a copy of it. */
async function archive(what: string, hoursBack: readonly number[]): Promise<void> {
  const clicks = hoursBack.map((back) =>
    storedEvent({ event_id: `event-${what}-${back}`, event_time: NOON_MS - back * HOUR_MS }),
  );
  await world.archive.append([...clicks, ...clicks]);
  await world.archive.archiveAll();
}

/** The version is what a count of every event comes to. */
async function expectSameInFull(version: number): Promise<void> {
  expect(await world.current("adv_1", DAY)).toMatchObject({ version });
  expect(await world.recount("adv_1", DAY)).toBe("verified");
}

it("judges the touched hours only, and comes to what a count of all events comes to", async () => {
  expect(await recountTogether()).toBe("published");
  expect(judged()).toHaveLength(HOURS);
  await archive("late", [3]);
  expect(await recountChanged()).toBe("published");
  expect(judged()).toEqual(hoursBack(3));
  expect(await world.current("adv_1", DAY)).toMatchObject({
    version: 2,
    lines: [{ clicks: 6n, duplicateClicks: 6n, costMicros: 600n }],
    cube: [{ events: 12 }],
  });
  await expectSameInFull(2);
});

// The last clicks of an hour are told by what follows them, and by what takes the place of that.
describe("an hour before late clicks", () => {
  const start = NOON_MS - HOUR_MS;
  const click = (event_id: string, ms: number, fields: Partial<StoredEvent> = {}) =>
    storedEvent({
      user_id: "somebody",
      ad_id: "ad_1",
      event_time: start + ms,
      event_id,
      ...fields,
    });
  /** Counts what comes, and tells which hours are judged. */
  const send = async (...events: StoredEvent[]) => {
    await world.archive.append(events);
    await world.archive.archiveAll();
    judged();
    expect(await recountTogether()).toBe("published");
    return judged();
  };
  const verdicts = async () => {
    const { rejects = [] } = (await world.current("adv_1", DAY)) ?? {};
    return rejects.filter(({ eventId }) => eventId === "last-click").map(({ verdict }) => verdict);
  };

  it("is judged again if one of them follows its last click", async () => {
    await send(click("last-click", -20_000));
    expect(await send(click("of-another", 0, { user_id: "another" }))).toEqual(hoursBack(1));
    expect(await send(click("too-late-to-follow", 30_000))).toEqual(hoursBack(1));
    expect(await verdicts()).toEqual([]);
    expect(await send(click("in-time-to-follow", 10_000))).toEqual(hoursBack(2, 1));
    expect(await verdicts()).toEqual(["double_click"]);
    // Each hour by itself: only what follows it can tell of its last click.
    expect(await world.recount("adv_1", DAY, stores)).toBe("verified");
    await expectSameInFull(4);
  });

  it("is judged again if one of them takes the place of the click that followed", async () => {
    const token = { impression_id: "imp_1", flags: ["token_ok" as const] };
    await send(
      click("last-click", -20_000),
      click("following-1", 1, { ingest_time: start + 9 }),
      click("following-2", 2, { ingest_time: start + 9, ...token }),
    );
    expect(await verdicts()).toEqual(["double_click"]);
    const first = { user_id: "another", ingest_time: start + 3 };
    expect(await send(click("following-1", 1, first))).toEqual(hoursBack(2, 1));
    expect(await verdicts()).toEqual(["double_click"]);
    expect(await send(click("first-use-of-it", 3, { ...first, ...token }))).toEqual(
      hoursBack(2, 1),
    );
    expect(await verdicts()).toEqual([]);
    await expectSameInFull(3);
  });
});

/** Hours before noon whose rows a version has in earlier builds, by the number of the version. */
async function takenOverIn(version: number): Promise<(readonly [number, number[]])[]> {
  const rows = await world.archive.db.select().from(truthVersions);
  const numbers = new Map(rows.map((row) => [Number(row.jobId), row.version]));
  const { takenOver } = rows.find((row) => row.version === version) ?? { takenOver: [] };
  return takenOver.map(({ buildId, hours }) => [
    numbers.get(buildId) ?? 0,
    hours.map((hour) => (NOON_MS - hour * SECOND_MS) / HOUR_MS),
  ]);
}

it("leaves rows of untouched hours where they lie, and copies those of the smaller builds", async () => {
  const countLate = async (id: string, hour: number) => {
    await archive(id, [hour]);
    expect(await recountTogether()).toBe("published");
  };
  await recountTogether();
  await countLate("late-1", 3);
  await countLate("late-2", 1);
  expect(await takenOverIn(2)).toEqual([[1, [4, 2, 1, 0]]]);
  expect(await takenOverIn(3)).toEqual([
    [1, [4, 2, 0]],
    [2, [3]],
  ]);
  // A count that comes out the same says of each hour where the version has it.
  judged();
  expect(await recountTogether()).toBe("verified");
  expect(judged()).toEqual([]);
  await countLate("late-3", 3);
  // Nothing is left of the second.
  expect(await takenOverIn(4)).toEqual([
    [1, [4, 2, 0]],
    [3, [1]],
  ]);
  // No build has half of what is left.
  await countLate("late-4", 0);
  expect(await takenOverIn(5)).toEqual([]);
  await expectSameInFull(5);
});

it("judges nothing where nothing has changed, also after a count that came out the same", async () => {
  await recountChanged();
  judged();
  expect(await recountChanged()).toBe("verified");
  expect(await recountChanged()).toBe("verified");
  expect(judged()).toEqual([]);
  await expectSameInFull(1);
});

it("judges every hour again when a rate has changed", async () => {
  await recountChanged();
  judged();
  await world.archive.db.insert(rateCards).values({
    campaignId: campaignIdSchema.parse("cmp_1"),
    effectiveFrom: new Date(NOON_MS - HOUR_MS),
    cpcMicros: 700n,
  });
  expect(await recountChanged()).toBe("published");
  expect(judged()).toHaveLength(HOURS);
  expect(await world.current("adv_1", DAY)).toMatchObject({ costMicros: 1_700n });
  await expectSameInFull(2);
});

// A copy in another hour changes what that hour's events are judged by.
it("judges an hour again whose ids come back in another one", async () => {
  await recountChanged();
  judged();
  const again = { event_id: "event-first-4", event_time: NOON_MS, ingest_time: 1 };
  await world.archive.append([storedEvent(again)]);
  await world.archive.archiveAll();
  await recountChanged();
  expect(judged()).toContain(hourIn(new Date(NOON_MS - 4 * HOUR_MS).toISOString()));
  expect((await world.current("adv_1", DAY))?.rejects).toContainEqual(
    expect.objectContaining({ eventId: "event-first-4", verdict: "id_conflict" }),
  );
  await expectSameInFull(2);
});

it("takes over what a dead attempt had done, and judges the rest", async () => {
  await world.queueJob("adv_1", DAY, false);
  const job = await world.queue.take();
  if (job === null) throw new Error("the job was not handed out");
  const { engine } = stores;
  const dying: JobStores["engine"] = {
    ...engine,
    judge: async (...args) => {
      if (judgedHours.length === 2) throw new Error("died");
      await engine.judge(...args);
    },
  };
  const { signal } = new AbortController();
  const attempt = runJob({ ...stores, engine: dying, slicesAtOnce: 1 }, job, signal);
  await expect(attempt).rejects.toThrow("died");
  expect(judged()).toHaveLength(2);

  await world.archive.db.execute(sql`update batch_jobs set lease_until = now() - interval '1 s'`);
  const next = await world.queue.takeAbandoned();
  if (next === null) throw new Error("the job was not taken up");
  await runJob(stores, next, signal);
  expect(judged()).toHaveLength(HOURS - 2);
  await expectSameInFull(1);
});

const BUILDS = z.array(z.object({ build: z.coerce.number() }));

/** The builds that have rows, in either table. */
async function builds({ archive }: BatchWorld): Promise<number[]> {
  const result = await archive.clickhouse.query({
    query: `SELECT DISTINCT build_id AS build
      FROM (SELECT build_id FROM truth_cube UNION ALL SELECT build_id FROM truth_rejects)
      ORDER BY build`,
    format: "JSONEachRow",
  });
  return BUILDS.parse(await result.json()).map(({ build }) => build);
}

async function take(): Promise<Job> {
  await world.queueJob("adv_1", DAY);
  const job = await world.queue.take();
  if (job === null) throw new Error("the job was not handed out");
  return job;
}

it("sweeps builds that published nothing after a day, and touches no version", async () => {
  const { db, clickhouse } = world.archive;
  const sweep = () => sweepDeadBuilds({ db, clickhouse }, DAY_MS);
  await world.recount("adv_1", DAY);
  await world.recount("adv_1", DAY);
  const register = { settle: () => Promise.reject(new Error("died")) };
  const dead = await take();
  await expect(runJob({ ...stores, register }, dead, new AbortController().signal)).rejects.toThrow(
    "died",
  );
  await world.queue.fail(dead.id, "died");
  const [published, verified] = (await world.jobs()).map(({ id }) => id);
  const before = await world.current("adv_1", DAY);
  expect(await builds(world)).toEqual([published, verified, Number(dead.id)]);
  expect(await sweep()).toBe(0);

  // While the partition is being counted, the count may be taking rows over.
  await db.execute(sql`update batch_jobs set finished_at = now() - interval '25 hours'`);
  const counting = await take();
  expect(await sweep()).toBe(0);
  await world.queue.fail(counting.id, "stopped");

  // A sweep that died after any of its steps has left as much as this, or more.
  await db.delete(batchJobSlices).where(eq(batchJobSlices.buildId, dead.id));
  await clickhouse.command({ query: `DELETE FROM truth_rejects WHERE build_id = ${dead.id}` });
  expect(await sweep()).toBe(2);
  expect(await builds(world)).toEqual([published]);
  expect(await sweep()).toBe(0);
  expect(await world.current("adv_1", DAY)).toEqual(before);
  expect(await world.recountChanged("adv_1", DAY)).toBe("verified");
});

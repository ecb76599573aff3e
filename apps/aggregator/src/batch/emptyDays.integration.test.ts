import { NOON_MS, storedEvent } from "@trueclick/archive/testing/storedEvents";
import { advertisers } from "@trueclick/db/postgres/schema/advertisers";
import {
  archiveCheckpoints,
  archiveObjects,
  archiveStretches,
} from "@trueclick/db/postgres/schema/archive";
import { campaigns } from "@trueclick/db/postgres/schema/campaigns";
import { emptyDayLooks, emptyDaySpans, emptyDays } from "@trueclick/db/postgres/schema/emptyDays";
import { logEndsSeen } from "@trueclick/db/postgres/schema/log";
import { truthVersions } from "@trueclick/db/postgres/schema/truth";
import { billingMonth } from "@trueclick/db/queries/billingMonth";
import { truthDirtyDays } from "@trueclick/db/queries/dirtyDays";
import { noteLogEnds } from "@trueclick/db/queries/logEnds";
import { createEmptyDaysLook } from "@trueclick/db/queries/showEmptyDays";
import { listTruthPartitions } from "@trueclick/db/queries/truth";
import { runReport } from "@trueclick/db/routing/report";
import { addDays, dayBounds, dayOf } from "@trueclick/shared/calendar";
import { advertiserIdSchema, campaignIdSchema } from "@trueclick/shared/ids";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "@trueclick/shared/time";
import { eq, sql } from "drizzle-orm";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type BatchWorld, openBatchWorld } from "./testing/batchWorld.ts";

const ALL = { kind: "all" } as const;
const LATENESS_MS = 10 * MINUTE_MS;
/** Ten days ago. */
const DAY = dayOf(NOON_MS, "UTC");
const NEXT = addDays(DAY, 1);
/** The log takes no event of the future. */
const APPENDED_MS = NOON_MS + 2 * DAY_MS;
/** By default a day closes three days after its end. */
const CLOSES_MS = dayBounds(DAY, "UTC").toMs + 3 * DAY_MS;

let world: BatchWorld;
let look: () => Promise<number>;
beforeEach(async () => {
  world = await openBatchWorld();
  look = newLook();
  await addAdvertiser("adv_1", "UTC");
});
afterEach(() => world.close());

const addAdvertiser = (id: string, timeZone: string, campaign = "cmp_1") =>
  world.addAdvertiser(id, { timeZone, campaigns: [{ id: campaign, rates: [[0, 100n]] }] });

function newLook() {
  const { db, clickhouse, topic } = world.archive;
  const options = { topic, allowedLatenessMs: LATENESS_MS };
  const lookAt = createEmptyDaysLook({ db, clickhouse }, options);
  return () => lookAt(Date.now());
}

/** Clicks of a time, one a partition. */
async function archive(atMs: number, campaign = "cmp_1"): Promise<void> {
  const events = Array.from({ length: 8 }, (_, number) =>
    storedEvent({ event_id: `evt-${atMs}-${number}`, event_time: atMs, campaign_id: campaign }),
  );
  await world.archive.append(events, APPENDED_MS);
  await world.archive.archiveAll();
}

/** As the archive role asks the log, or as if it had at another time. */
async function noteEnds(atMs?: number): Promise<void> {
  const { db, reader, topic } = world.archive;
  await noteLogEnds({ db }, topic, () => reader.endOffsets());
  if (atMs !== undefined) await db.update(logEndsSeen).set({ seenAt: new Date(atMs) });
}

async function forget(): Promise<void> {
  await world.archive.db.delete(emptyDays);
  await world.archive.db.delete(emptyDaySpans);
}

/** As the REST API tells it. */
async function finality(id: string, day: string, timeZone = "UTC", asOfMs?: number) {
  const advertiser = advertiserIdSchema.parse(id);
  const { meta } = await runReport(world.archive, {
    scope: { kind: "advertisers", ids: [advertiser] },
    mode: "billing",
    ...dayBounds(day, timeZone),
    granularity: "day",
    dimensions: [],
    timeZone,
    filters: {},
    asOfMs,
  });
  return meta.finality;
}

/** As the billing page and the export tell it. */
async function billedDay(id: string, day: string) {
  const advertiserId = advertiserIdSchema.parse(id);
  const month = await billingMonth(world.archive, ALL, { advertiserId, month: day.slice(0, 7) });
  return month?.days.find((billed) => billed.day === day);
}

it("says of a day without events that it is closed, and nothing of one with some", async () => {
  await archive(NOON_MS);
  await noteEnds();
  expect(await finality("adv_1", NEXT)).toBe("live");
  expect(await look()).toBeGreaterThan(100);
  expect(await finality("adv_1", NEXT)).toBe("closed");
  expect(await billedDay("adv_1", NEXT)).toMatchObject({
    ...{ isEmpty: true, version: null, finality: "closed", lines: [] },
  });
  expect(await finality("adv_1", DAY)).toBe("live");
  expect(await billedDay("adv_1", DAY)).toMatchObject({ isEmpty: false, finality: "live" });
  // The last two days have not closed, whatever the archive has read.
  expect(await finality("adv_1", dayOf(Date.now() - 2 * DAY_MS, "UTC"))).toBe("live");
  const [evidence] = await world.archive.db.select().from(emptyDayLooks);
  const read = await world.archive.db.select().from(archiveCheckpoints);
  expect(evidence?.nextOffsets).toEqual(
    Object.fromEntries(read.map((row) => [row.partition, row.nextOffset.toString()])),
  );
  expect(await look()).toBe(0);
});

// A number of the past is what was said then.
it("says it from the look on, and of no instant before", async () => {
  await archive(NOON_MS);
  await noteEnds();
  await look();
  const [noted] = await world.archive.db.select().from(emptyDays);
  const shownMs = noted?.shownAt.getTime() ?? 0;
  expect(await finality("adv_1", NEXT, "UTC", shownMs - 1)).toBe("live");
  expect(await finality("adv_1", NEXT, "UTC", shownMs + 1)).toBe("closed");
});

// The proof is of all partitions: an event may lie in any of them.
it("waits until every partition was read past the close and the allowed lateness", async () => {
  const { db, topic, reader } = world.archive;
  await archive(NOON_MS);
  expect(await look()).toBe(0);
  const isNoted = async (day: string) => {
    await newLook()();
    return (await db.select().from(emptyDays)).some(({ billingDay }) => billingDay === day);
  };
  await noteEnds(CLOSES_MS + DAY_MS + LATENESS_MS - 1);
  expect(await isNoted(NEXT)).toBe(false);
  await noteEnds(CLOSES_MS + DAY_MS + LATENESS_MS);
  expect(await isNoted(NEXT)).toBe(true);

  // An event that the archive has not read yet may be of any day; one of a partition is enough.
  for (const partition of [0, 1]) {
    await forget();
    const unread = JSON.stringify(storedEvent({ event_id: `unread-${partition}` }));
    await world.archive.appendBlock(partition, Buffer.from(unread), APPENDED_MS);
    await noteEnds();
    expect(await isNoted(NEXT)).toBe(false);
    await world.archive.archiveAll();
    expect(await isNoted(NEXT)).toBe(true);
  }

  // A partition that the topic was given and nobody has read; then one of which nothing was archived.
  await forget();
  await noteLogEnds({ db }, topic, async () => [...(await reader.endOffsets()), 1n]);
  expect(await isNoted(NEXT)).toBe(false);
  await db.insert(archiveCheckpoints).values({ topic, partition: 2, epoch: 1n, nextOffset: 0n });
  expect(await isNoted(NEXT)).toBe(false);
});

it("takes the append time of what is archived where the log goes on", async () => {
  const { db } = world.archive;
  await archive(NOON_MS);
  await noteEnds(NOON_MS);
  await db.update(logEndsSeen).set({ endOffset: sql`end_offset + 1` });
  await db.update(archiveStretches).set({ newestAppendMs: CLOSES_MS + DAY_MS + LATENESS_MS - 1 });
  expect(await look()).toBeGreaterThan(0);
  expect(await finality("adv_1", NEXT)).toBe("live");
  await db.update(archiveStretches).set({ newestAppendMs: CLOSES_MS + DAY_MS + LATENESS_MS });
  expect(await look()).toBeGreaterThan(0);
  expect(await finality("adv_1", NEXT)).toBe("closed");
  // What was noted before stays.
  await db.update(archiveStretches).set({ newestAppendMs: CLOSES_MS + 2 * DAY_MS + LATENESS_MS });
  expect(await look()).toBeGreaterThan(0);
  expect(await finality("adv_1", addDays(NEXT, 1))).toBe("closed");
  expect(await finality("adv_1", NEXT)).toBe("closed");
  // A clock of the log that is ahead has not read what is yet to come.
  await db.update(archiveStretches).set({ newestAppendMs: Date.now() + 30 * DAY_MS });
  await look();
  expect(await finality("adv_1", dayOf(Date.now() - 2 * DAY_MS, "UTC"))).toBe("live");
});

it("counts an event that comes after the close all the same, as a correction", async () => {
  const { db } = world.archive;
  await archive(NOON_MS);
  await noteEnds();
  await look();
  await archive(NOON_MS + DAY_MS);
  // Until it is counted, what was said stands.
  expect(await finality("adv_1", NEXT)).toBe("closed");
  expect((await truthDirtyDays(world.archive, ALL)).map((day) => day.billingDay)).toContain(NEXT);
  const beforeMs = Date.now();
  await world.recountChanged("adv_1", NEXT);
  expect(await world.current("adv_1", NEXT)).toMatchObject({ version: 1, costMicros: 800n });
  expect(await finality("adv_1", NEXT)).toBe("corrected");
  expect(await billedDay("adv_1", NEXT)).toMatchObject({ isEmpty: false, finality: "corrected" });
  const [listed] = await listTruthPartitions(world.archive, ALL, { fromDay: NEXT, toDay: NEXT });
  expect(listed).toMatchObject({ version: 1, finality: "corrected" });
  // As it was said then, and as it is once there are others.
  const [version] = await db.select().from(truthVersions);
  const publishedMs = version?.publishedAt.getTime() ?? 0;
  expect(publishedMs).toBeGreaterThanOrEqual(beforeMs - 1);
  expect(await finality("adv_1", NEXT, "UTC", publishedMs - 1)).toBe("closed");
  expect(await look()).toBe(0);
  // What was there when the day was counted for the first time corrects nothing.
  await world.recountChanged("adv_1", DAY);
  expect(await finality("adv_1", DAY)).toBe("closed");
});

it("corrects nothing with a first count that comes out empty", async () => {
  await archive(NOON_MS);
  await noteEnds();
  await look();
  await world.recount("adv_1", NEXT);
  expect(await world.current("adv_1", NEXT)).toMatchObject({ version: 1, lines: [] });
  expect(await finality("adv_1", NEXT)).toBe("closed");
});

// Events of an hour that two days share are nobody's by the index: those days are counted, not noted.
it("leaves a day that shares an hour with events of its neighbour to be counted", async () => {
  await addAdvertiser("adv_k", "Asia/Kathmandu", "cmp_k");
  const day = addDays(dayOf(NOON_MS, "Asia/Kathmandu"), -1);
  const { fromMs } = dayBounds(day, "Asia/Kathmandu");
  await archive(fromMs - 5 * MINUTE_MS, "cmp_k");
  await noteEnds();
  await look();
  expect(await finality("adv_k", day, "Asia/Kathmandu")).toBe("live");
  const dirty = await truthDirtyDays(world.archive, ALL);
  expect(dirty.map((found) => `${found.advertiserId} ${found.billingDay}`)).toContain(
    `adv_k ${day}`,
  );
  expect(await finality("adv_k", addDays(day, 1), "Asia/Kathmandu")).toBe("closed");
});

it("looks at an advertiser that came later, and at a campaign whose events were there first", async () => {
  const { db } = world.archive;
  await archive(NOON_MS + DAY_MS, "cmp_late");
  await noteEnds();
  await look();
  await addAdvertiser("adv_2", "America/New_York", "cmp_2");
  expect(await look()).toBeGreaterThan(100);
  expect(await finality("adv_2", NEXT, "America/New_York")).toBe("closed");
  expect(await finality("adv_1", NEXT)).toBe("closed");

  const owner = { advertiserId: advertiserIdSchema.parse("adv_1"), name: "late" };
  await db.insert(campaigns).values({ id: campaignIdSchema.parse("cmp_late"), ...owner });
  expect(await truthDirtyDays(world.archive, ALL)).toMatchObject([
    { advertiserId: "adv_1", billingDay: NEXT },
  ]);
  await world.recountChanged("adv_1", NEXT);
  expect(await finality("adv_1", NEXT)).toBe("corrected");
  expect(await finality("adv_2", NEXT, "America/New_York")).toBe("closed");
});

it("says of a time before the archive's first event what is known without the index", async () => {
  await archive(NOON_MS);
  const old = dayOf(NOON_MS - 400 * DAY_MS, "UTC");
  await noteEnds();
  expect(await finality("adv_1", old)).toBe("live");
  await look();
  expect(await finality("adv_1", old)).toBe("closed");
  expect(await billedDay("adv_1", old)).toMatchObject({ isEmpty: true, finality: "closed" });
  // Older than the index, and the archive has something of somebody.
  const earlier = new Date(NOON_MS - 401 * DAY_MS);
  await world.archive.db.update(archiveObjects).set({ eventHour: earlier });
  expect(await finality("adv_1", old)).toBe("live");
});

// An index that has lost rows would say of any day that nothing is in it.
it("says nothing of a day of which the archive has an hour that the index has not", async () => {
  await archive(NOON_MS, "cmp_of_another");
  await noteEnds();
  await world.archive.clickhouse.command({ query: "TRUNCATE TABLE event_index" });
  await look();
  expect(await finality("adv_1", DAY)).toBe("live");
  expect(await finality("adv_1", NEXT)).toBe("closed");
});

it("is open again where days close later than they did", async () => {
  await archive(NOON_MS);
  await noteEnds();
  await look();
  const { db } = world.archive;
  const own = eq(advertisers.id, advertiserIdSchema.parse("adv_1"));
  await db
    .update(advertisers)
    .set({ settlingHours: (30 * DAY_MS) / HOUR_MS })
    .where(own);
  expect(await finality("adv_1", NEXT)).toBe("settling");
});

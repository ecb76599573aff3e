import { NOON_MS, storedEvent } from "@trueclick/archive/testing/storedEvents";
import { advertisers } from "@trueclick/db/postgres/schema/advertisers";
import { archiveObjects } from "@trueclick/db/postgres/schema/archive";
import { campaigns, rateCards } from "@trueclick/db/postgres/schema/campaigns";
import { ruleVersions } from "@trueclick/db/postgres/schema/rules";
import { batchJobs } from "@trueclick/db/postgres/schema/truth";
import { truthDirtyDays } from "@trueclick/db/queries/dirtyDays";
import { cancelJob } from "@trueclick/db/queries/jobs";
import { dayOf } from "@trueclick/shared/calendar";
import { advertiserIdSchema, campaignIdSchema } from "@trueclick/shared/ids";
import { DAY_MS, HOUR_MS } from "@trueclick/shared/time";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createPostgresDaySchedule } from "./adapters/postgresDaySchedule.ts";
import { COUNT_DELAY_MS } from "./domain/schedule.ts";
import { type JobStores, runJob } from "./pipeline/runJob.ts";
import { queueDue, UNFINISHED_MAX } from "./pipeline/runSchedule.ts";
import type { DaySchedule } from "./ports/daySchedule.ts";
import { JobLostError } from "./ports/jobQueue.ts";
import { type BatchWorld, openBatchWorld } from "./testing/batchWorld.ts";

const DAY = dayOf(NOON_MS, "UTC");
/** Right after the mark of noon. */
const ARCHIVED_MS = NOON_MS + COUNT_DELAY_MS + 1;
const NEXT_HOUR_MS = NOON_MS + HOUR_MS + COUNT_DELAY_MS;
const cmp1 = campaignIdSchema.parse("cmp_1");

let world: BatchWorld;
let schedule: DaySchedule;
beforeEach(async () => {
  world = await openBatchWorld();
  const { db, clickhouse } = world.archive;
  schedule = createPostgresDaySchedule(db, clickhouse, world.stores.codeVersion);
  await world.addAdvertiser("adv_1", {
    timeZone: "UTC",
    campaigns: [{ id: "cmp_1", rates: [[0, 100n]] }],
  });
});
afterEach(() => world.close());

/** Events that the archive had at an instant of the past. */
async function archive(timesMs: readonly number[], archivedAtMs: number, campaign = "cmp_1") {
  const events = timesMs.map((at, number) =>
    storedEvent({ event_id: `evt-${at}-${number}`, event_time: at, campaign_id: campaign }),
  );
  await world.archive.append(events);
  await world.archive.archiveAll();
  await world.archive.db.update(archiveObjects).set({ createdAt: new Date(archivedAtMs) });
}

async function runQueued(): Promise<void> {
  for (let job = await world.queue.take(); job !== null; job = await world.queue.take()) {
    await runJob(world.stores, job, new AbortController().signal);
  }
}

const dirty = () => truthDirtyDays(world.archive, { kind: "all" });

it("counts the day of new events once at the next mark, by whichever process comes first", async () => {
  await archive([NOON_MS], ARCHIVED_MS);
  expect(await queueDue(schedule, NOON_MS + COUNT_DELAY_MS + 2)).toBe(0);
  const looks = await Promise.all(
    Array.from({ length: 4 }, () => queueDue(schedule, NEXT_HOUR_MS)),
  );
  expect(looks.reduce((sum, queued) => sum + queued)).toBe(1);
  await runQueued();
  expect(await world.current("adv_1", DAY)).toMatchObject({ version: 1, cause: "new events" });
  expect(await queueDue(schedule, NEXT_HOUR_MS + DAY_MS)).toBe(0);
});

it("queues few days at a time, the newest first", async () => {
  const days = UNFINISHED_MAX + 3;
  const times = Array.from({ length: days }, (_, back) => NOON_MS - back * DAY_MS);
  await archive(times, ARCHIVED_MS);
  expect(await queueDue(schedule, NEXT_HOUR_MS)).toBe(UNFINISHED_MAX);
  expect(await queueDue(schedule, NEXT_HOUR_MS)).toBe(0);
  const queued = (await world.jobs()).map(({ billingDay }) => billingDay).sort();
  expect(queued.at(-1)).toBe(DAY);
  await runQueued();
  expect(await queueDue(schedule, NEXT_HOUR_MS)).toBe(3);
});

// A click of a campaign that nobody knew is kept, and is billed once the campaign is.
it("takes in a day again whose campaign came later, and no other day", async () => {
  await archive([NOON_MS, NOON_MS - DAY_MS], ARCHIVED_MS);
  await archive([NOON_MS + 1], ARCHIVED_MS, "cmp_late");
  await queueDue(schedule, NEXT_HOUR_MS);
  await runQueued();
  expect(await dirty()).toEqual([]);

  await world.archive.db.insert(campaigns).values({
    id: campaignIdSchema.parse("cmp_late"),
    advertiserId: advertiserIdSchema.parse("adv_1"),
    name: "late",
  });
  expect(await dirty()).toMatchObject([{ billingDay: DAY, why: "changed campaigns" }]);
  await world.recount("adv_1", DAY);
  expect(await world.current("adv_1", DAY)).toMatchObject({
    lines: [{ campaignId: "cmp_1" }, { campaignId: "cmp_late", clicks: 1n }],
  });
  expect(await dirty()).toEqual([]);
});

it("takes in the days again that a changed rate touches, and no other", async () => {
  await archive([NOON_MS, NOON_MS - DAY_MS], ARCHIVED_MS);
  await queueDue(schedule, NEXT_HOUR_MS);
  await runQueued();
  const later = (ms: number, cpcMicros: bigint) =>
    world.archive.db
      .insert(rateCards)
      .values({ campaignId: cmp1, effectiveFrom: new Date(ms), cpcMicros });
  await later(NOON_MS + DAY_MS, 300n);
  expect(await dirty()).toEqual([]);
  await later(NOON_MS - HOUR_MS, 200n);
  expect(await dirty()).toMatchObject([{ billingDay: DAY, why: "changed campaigns" }]);
});

// Rules are rows: however one came, nobody has to remember what it touches.
it("takes in open days again that another rule or program would judge, and no closed one", async () => {
  const { db } = world.archive;
  const closed = NOON_MS - 5 * DAY_MS;
  // `NOON_MS` is ten days ago: the one day is open yet, the other is not.
  await db.update(advertisers).set({ settlingHours: 12 * 24 });
  await archive([NOON_MS, NOON_MS + 1, closed], ARCHIVED_MS);
  await queueDue(schedule, NEXT_HOUR_MS);
  await runQueued();
  const nowMs = Date.now() + 2 * HOUR_MS;
  const changed = (codeVersion: string) =>
    truthDirtyDays(world.archive, { kind: "all" }, { nowMs, codeVersion });
  const { codeVersion } = world.stores;
  expect(await changed(codeVersion)).toEqual([]);
  const other = { billingDay: DAY, why: "changed program: truth-other" };
  expect(await changed("truth-other")).toMatchObject([other]);

  await db.insert(ruleVersions).values({
    ...{ ruleId: "velocity_publisher", version: 2, enabled: true, reason: "x", createdBy: "x" },
    ...{ parameters: { seconds: 3_600, clicks_max: 1 }, effectiveFrom: new Date(closed - DAY_MS) },
  });
  const why = "changed rules: velocity_publisher@2";
  expect(await changed(codeVersion)).toMatchObject([{ billingDay: DAY, why }]);
  expect(await queueDue(schedule, nowMs)).toBe(1);
  await runQueued();
  expect(await world.current("adv_1", DAY)).toMatchObject({ version: 2, cause: why });
  expect(await changed(codeVersion)).toEqual([]);
});

it("publishes nothing of a job that is cancelled while it judges", async () => {
  await archive([NOON_MS], ARCHIVED_MS);
  await world.queueJob("adv_1", DAY);
  const job = await world.queue.take();
  if (job === null) throw new Error("the job was not handed out");
  const { engine } = world.stores;
  const cancelled: JobStores["engine"] = {
    ...engine,
    judge: async (...args) => {
      await engine.judge(...args);
      const request = { jobId: Number(job.id), cancelledBy: "test" };
      await cancelJob(world.archive, { kind: "all" }, request);
    },
  };
  const run = runJob({ ...world.stores, engine: cancelled }, job, new AbortController().signal);
  await expect(run).rejects.toThrow(JobLostError);
  expect(await world.current("adv_1", DAY)).toBeNull();
  expect(await world.queue.takeAbandoned()).toBeNull();
});

it("says how far a job is", async () => {
  await archive([NOON_MS, NOON_MS - HOUR_MS, NOON_MS - 2 * HOUR_MS], ARCHIVED_MS);
  const seen: unknown[] = [];
  const report: JobStores["report"] = async (jobId, progress) => {
    await world.stores.report(jobId, progress);
    const [row] = await world.archive.db.select().from(batchJobs);
    seen.push([row?.step, row?.slicesDone, row?.slicesTotal]);
  };
  await world.recount("adv_1", DAY, { ...world.stores, report, sliceRowsMax: 1, slicesAtOnce: 1 });
  expect(seen).toEqual([
    ["pin", 0, 0],
    ["judge", 0, 3],
    ["judge", 1, 3],
    ["judge", 2, 3],
    ["judge", 3, 3],
    ["publish", 3, 3],
  ]);
});

/** What is remembered of drift is what would be read now, whatever stream, backfill and batch do in between. */

import { advertiserIdSchema, campaignIdSchema } from "@trueclick/shared/ids";
import { HOUR_MS, SECOND_MS } from "@trueclick/shared/time";
import { eq } from "drizzle-orm";
import { afterAll, beforeAll, expect, it } from "vitest";
import { streamDirtyHours } from "../postgres/schema/stream.ts";
import type { TenantScope } from "../tenant.ts";
import {
  type EventFill,
  fillCheckpoints,
  fillCorrections,
  fillManifest,
  fillStreamRejects,
  fillTruthRejects,
  pinObjects,
} from "../testing/fillEvents.ts";
import { fillAdvertiser, publishTruth } from "../testing/fillStores.ts";
import { markLateHour, moveRollup } from "../testing/hotStoreState.ts";
import { openTestStores, type TestStores } from "../testing/testStores.ts";
import { driftByCampaignHour } from "./drift.ts";

const TOPIC = "clicks.raw";
const DAY = "2026-10-29";
const FIRST_MS = Date.parse(`${DAY}T10:00:00Z`);
const HOURS = 4;
const NOW_MS = FIRST_MS + 12 * HOUR_MS;
const hourAt = (hour: number) => FIRST_MS + hour * HOUR_MS;
const iso = (ms: number) => new Date(ms).toISOString();
const watermark = iso(hourAt(HOURS));
/** The first offset that no build has pinned. */
const PINNED = 100;

const scopeOf = (...ids: string[]): TenantScope => ({
  kind: "advertisers",
  ids: ids.map((id) => advertiserIdSchema.parse(id)),
});
const range = { fromMs: FIRST_MS, toMs: hourAt(HOURS) };
const QUESTIONS = [
  [scopeOf("acme"), range],
  [{ kind: "all" } as const, { ...range, campaignId: campaignIdSchema.parse("other-1") }],
] as const;

let stores: TestStores;
let clicks = 0;
const CAMPAIGNS = ["acme-1", "other-1"].map((campaign) => ({
  advertiser: campaign.slice(0, -2),
  campaign,
}));

beforeAll(async () => {
  stores = await openTestStores();
  for (const id of ["acme", "other"]) await fillAdvertiser(stores, { id, campaigns: [`${id}-1`] });
  // Known before the range, so that none of its events can have come before its campaign.
  await stores.db.execute("update campaigns set created_at = '2026-01-01'");
  for (let hour = 0; hour < HOURS; hour += 1) await count(hour);
  await fillManifest(stores, [OBJECT, MORE]);
  await publish(3);
  await moveStream(PINNED);
  await rollUp(3);
});
afterAll(() => stores.close());

const OBJECT = { hour: iso(FIRST_MS), first: 0, last: PINNED - 1 };
/** Archived, and pinned by later builds. */
const MORE = { hour: iso(FIRST_MS), first: PINNED, last: 2 * PINNED - 1 };

function eventAt(campaign: string, hour: number, offset: number): EventFill {
  return { campaign, at: iso(hourAt(hour) + offset * SECOND_MS), offset };
}

/** The stream's count of an hour; the hour is in the table before the border passes it. */
async function count(hour: number): Promise<void> {
  clicks += 10;
  await stores.clickhouse.insert({
    table: "hot_hours",
    format: "JSONEachRow",
    values: CAMPAIGNS.map(({ advertiser, campaign }) => ({
      ...{ advertiser_id: advertiser, campaign_id: campaign, cube: "ad", dimension_value: "ad_1" },
      ...{ partition: 0, span_start: hourAt(hour) / SECOND_MS, clicks },
    })),
  });
}

async function reject(hour: number, offset: number, reason: string): Promise<void> {
  for (const { advertiser, campaign } of CAMPAIGNS) {
    const event = { ...eventAt(campaign, hour, offset), reason };
    await fillStreamRejects(stores, advertiser, [event]);
  }
}

/** A version of the day that bills so many clicks an hour, and rejects one event of each. */
async function publish(events: number, objects = [OBJECT]): Promise<void> {
  for (const { advertiser, campaign } of CAMPAIGNS) {
    const hours = Array.from({ length: HOURS }, (_none, hour) => hour);
    const cells = hours.map((hour) => ({ campaign, hour: iso(hourAt(hour)), events }));
    const build = await publishTruth(stores, { advertiser, day: DAY, cells });
    await pinObjects(stores, build, objects);
    await fillTruthRejects(
      stores,
      { id: build, advertiser, day: DAY },
      hours.map((hour) => ({
        ...eventAt(campaign, hour, 60 + hour + events),
        verdict: "double_click" as const,
      })),
    );
  }
}

const moveStream = (next: number) =>
  fillCheckpoints(stores, { partition: 0, stream: next, archive: next, watermark });

async function rollUp(hour: number): Promise<void> {
  await moveRollup(stores.db, TOPIC, hourAt(hour));
}

/** A late event, as the stream writes it: evidence, and then the mark with the checkpoint. */
async function late(hour: number, offset: number): Promise<void> {
  await reject(hour, offset, "late");
  await markLateHour(stores.db, TOPIC, hourAt(hour));
}

/** A backfill counts late events after all. */
async function heal(hour: number, offset: number): Promise<void> {
  await count(hour);
  for (const { advertiser, campaign } of CAMPAIGNS) {
    const event = { ...eventAt(campaign, hour, offset), reason: "" };
    await fillCorrections(stores, advertiser, [event]);
  }
  await stores.db
    .update(streamDirtyHours)
    .set({ healedAt: new Date() })
    .where(eq(streamDirtyHours.eventHour, new Date(hourAt(hour))));
}

const askAll = (of: Omit<TestStores, "memo">) =>
  Promise.all(QUESTIONS.map(([scope, asked]) => driftByCampaignHour(of, scope, asked, NOW_MS)));

async function expectAsRead(step: string): Promise<void> {
  const { memo: _, ...forgetful } = stores;
  const [remembered, read] = await Promise.all([askAll(stores), askAll(forgetful)]);
  expect(remembered, `after ${step}`).toEqual(read);
  for (const { rows } of read) expect(rows, step).not.toEqual([]);
}

it("explains as if it was read, after whatever is written in the pipeline's order", async () => {
  const steps: readonly (readonly [string, () => Promise<unknown>])[] = [
    ["evidence of an hour that is not rolled up", () => reject(3, 10, "duplicate")],
    ["a late event of a settled hour", () => late(1, 11)],
    ["its healing", () => heal(1, 11)],
    ["another of the same hour, and its healing", () => late(1, 12).then(() => heal(1, 12))],
    ["a new version", () => publish(5)],
    ["a stream that falls behind truth", () => moveStream(63)],
    ["one that has read all", () => moveStream(PINNED)],
    ["a rollup", () => rollUp(HOURS)],
    ["a late event of the oldest hour", () => late(0, 13)],
  ];
  await expectAsRead("the start");
  for (const [step, act] of steps) {
    await act();
    await expectAsRead(step);
  }
});

it("asks settled hours once, however far the stream is", async () => {
  await heal(0, 13);
  const before = await askAll(stores);
  const tables = [
    "hot_hours",
    "stream_rejects",
    "stream_corrections",
    "truth_cube",
    "truth_rejects",
  ];
  for (const table of tables) {
    await stores.clickhouse.command({ query: `TRUNCATE TABLE ${table}` });
  }
  await moveStream(PINNED + 99);
  expect(await askAll(stores)).toEqual(before);
  const stranger = await driftByCampaignHour(stores, scopeOf("nobody"), range, NOW_MS);
  expect(stranger.rows).toEqual([]);
  await late(2, 14);
  expect(await askAll(stores)).not.toEqual(before);
});

// An event that truth rejects and nobody has streamed is no difference yet.
it("takes what truth rejects for a cause once the stream has come there", async () => {
  const causes = async () => {
    const { rows } = await driftByCampaignHour(stores, scopeOf("acme"), range, NOW_MS);
    return rows.map((row) => row.causes["double_click"]);
  };
  await publish(7);
  await heal(2, 14);
  const read = Array.from({ length: HOURS }, () => 1);
  // Rejected at 67 to 70, one an hour.
  for (const next of [PINNED, PINNED + 1, 69, PINNED, 60]) {
    await moveStream(next);
    const isRead = read.map((one, hour) => (67 + hour < next ? one : undefined));
    expect(await causes(), `read up to ${next}`).toEqual(isRead);
  }
  await moveStream(PINNED);
});

// The stream does not know the campaign yet, so it marks no hour for a late event of it.
it.each([
  ["late", { knownMs: hourAt(3), hour: 2, offset: 15, version: 8 }],
  ["after an event ahead of its time", { knownMs: FIRST_MS - 1, hour: 0, offset: 16, version: 9 }],
])("reads evidence of campaigns that became known %s each time", async (_when, late) => {
  const { knownMs, hour, offset, version } = late;
  await count(hour);
  await publish(version);
  await stores.db.execute(
    `update campaigns set created_at = '${iso(knownMs)}' where id = 'acme-1'`,
  );
  const ask = () => driftByCampaignHour(stores, scopeOf("acme"), range, NOW_MS);
  await ask();
  await fillStreamRejects(stores, "", [{ ...eventAt("acme-1", hour, offset), reason: "late" }]);
  const { rows } = await ask();
  expect(rows.find(({ hourMs }) => hourMs === hourAt(hour))?.causes).toHaveProperty("late", -1);
});

// How far a build has read is remembered with it; the next one has pinned more.
it("takes what the stream rejects for a cause once the build in force has come there", async () => {
  await moveStream(2 * PINNED);
  await reject(0, PINNED + 50, "duplicate");
  const causeOf = async () => {
    const { rows } = await driftByCampaignHour(stores, scopeOf("acme"), range, NOW_MS);
    return rows.find(({ hourMs }) => hourMs === hourAt(0))?.causes["duplicate"];
  };
  await publish(10);
  await expectAsRead("a build that has not come there");
  expect(await causeOf()).toBeUndefined();
  await publish(11, [OBJECT, MORE]);
  await expectAsRead("one that has");
  expect(await causeOf()).toBe(-1);
});

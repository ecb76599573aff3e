import { advertiserIdSchema, campaignIdSchema } from "@trueclick/shared/ids";
import { eq } from "drizzle-orm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hotRollups, streamCheckpoints, streamDirtyHours } from "../postgres/schema/stream.ts";
import type { TenantScope } from "../tenant.ts";
import {
  type EventFill,
  fillCheckpoints,
  fillCorrections,
  fillIndex,
  fillManifest,
  fillStreamRejects,
  fillTruthRejects,
  pinObjects,
} from "../testing/fillEvents.ts";
import { fillAdvertiser, fillHot, publishTruth } from "../testing/fillStores.ts";
import { openTestStores, type TestStores } from "../testing/testStores.ts";
import { driftByCampaignHour } from "./drift.ts";

let stores: TestStores;
beforeAll(async () => {
  stores = await openTestStores();
});
afterAll(() => stores.close());

const hour = "2026-10-30T10:00:00Z";
const hourMs = Date.parse(hour);
const nowMs = Date.parse("2026-10-30T14:00:00Z");
const range = { fromMs: hourMs, toMs: hourMs + 3_600_000 };

const scopeOf = (...ids: string[]): TenantScope => ({
  kind: "advertisers",
  ids: ids.map((id) => advertiserIdSchema.parse(id)),
});

/** One event a second of the hour, at the offset of the same number. */
function event(campaign: string, offset: number, partition = 0): EventFill {
  const at = new Date(hourMs + offset * 1_000).toISOString();
  return { campaign, at, offset, partition };
}

// The log of partition 0, offset by offset: 0 to 3 counted by both, 4 late, 5 a duplicate for both,
// 6 a double click for truth alone, 7 before its campaign was known, 8 and 9 archived after truth
// pinned its inputs, of which the stream counted 9 alone. 10 is read by the stream, not archived.
describe("a difference with a cause each", () => {
  const day = { advertiser: "acme", day: "2026-10-30" };
  beforeAll(async () => {
    await fillAdvertiser(stores, { id: "acme", campaigns: ["a1"] });
    await fillHot(stores, [{ advertiser: "acme", campaign: "a1", at: hour, clicks: 7 }]);
    await fillStreamRejects(stores, "acme", [
      { ...event("a1", 4), reason: "late" },
      { ...event("a1", 5), reason: "duplicate" },
      { ...event("a1", 8), reason: "bot_user_agent" },
    ]);
    await fillStreamRejects(stores, "", [{ ...event("a1", 7), reason: "unknown_campaign" }]);
    const build = await publishTruth(stores, {
      ...day,
      cells: [{ campaign: "a1", hour, events: 6 }],
    });
    await fillTruthRejects(stores, { ...day, id: build }, [
      { ...event("a1", 5), verdict: "duplicate" },
      { ...event("a1", 6), verdict: "double_click" },
    ]);
    const pinned = { hour, first: 0, last: 7 };
    await fillManifest(stores, [pinned, { hour, first: 8, last: 9 }]);
    await pinObjects(stores, build, [pinned]);
    await fillIndex(
      stores,
      [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((offset) => event("a1", offset)),
    );
    const watermark = "2026-10-30T13:00:00Z";
    await fillCheckpoints(stores, { partition: 0, stream: 11, archive: 10, watermark });
  });

  it("adds up to it, and leaves nothing unexplained", async () => {
    const { rows } = await driftByCampaignHour(stores, scopeOf("acme"), range, nowMs);
    expect(rows).toEqual([
      {
        advertiserId: "acme",
        campaignId: "a1",
        campaignName: "Campaign a1",
        hourMs,
        stream: 7,
        truth: 6,
        causes: {
          late: -1,
          unknown_campaign: -1,
          double_click: 1,
          not_in_truth_yet: 1,
          not_archived_yet: 1,
        },
        unexplained: 0,
      },
    ]);
    // Asked for by the campaign, less is read and the same is said; to a stranger, nothing.
    const ofCampaign = { ...range, campaignId: campaignIdSchema.parse("a1") };
    const asked = await driftByCampaignHour(stores, { kind: "all" }, ofCampaign, nowMs);
    expect(asked.rows).toEqual(rows);
    const stranger = await driftByCampaignHour(stores, scopeOf("other"), ofCampaign, nowMs);
    expect(stranger.rows).toEqual([]);
  });

  // A cause that soaks up what it does not cover would hide a loss.
  it("leaves unexplained what no evidence covers", async () => {
    const lost = [{ advertiser: "acme", campaign: "a1", at: hour, clicks: 3, version: 99 }];
    await fillHot(stores, lost);
    const { rows } = await driftByCampaignHour(stores, scopeOf("acme"), range, nowMs);
    expect(rows[0]).toMatchObject({ stream: 3, unexplained: -3 });
    await fillHot(stores, [
      { ...lost[0], advertiser: "acme", campaign: "a1", at: hour, clicks: 7, version: 100 },
    ]);
  });

  // Nothing comes to it any more, so its watermark stays where it is, behind the hour, for ever.
  it("leaves it unexplained beside a partition that rests", async () => {
    const watermark = "2026-10-30T08:00:00Z";
    await fillCheckpoints(stores, { partition: 7, stream: 3, archive: 3, watermark });
    const lost = { advertiser: "acme", campaign: "a1", at: hour, clicks: 3, version: 101 };
    await fillHot(stores, [lost]);
    const topic = "clicks.raw";
    const rolledTo = async (rolledThrough: Date) => {
      await stores.db.delete(hotRollups);
      await stores.db.insert(hotRollups).values({ topic, rolledThrough });
      const { rows } = await driftByCampaignHour(stores, scopeOf("acme"), range, nowMs);
      return rows[0];
    };
    try {
      const open = await rolledTo(new Date(range.fromMs));
      expect(open).toMatchObject({ unexplained: 0, causes: { in_flight: -3 } });
      // Hours are rolled up once every partition has closed them, one that rests as its clock says.
      expect((await rolledTo(new Date(range.toMs)))?.unexplained).not.toBe(0);
    } finally {
      await stores.db.delete(hotRollups);
      await stores.db.delete(streamCheckpoints).where(eq(streamCheckpoints.partition, 7));
      await fillHot(stores, [{ ...lost, clicks: 7, version: 102 }]);
    }
  });

  // The late event is counted after all, the duplicate of before turns out to be of another kind.
  it("adds up when a backfill has counted late events and put their evidence right", async () => {
    const cell = { advertiser: "acme", campaign: "a1", at: hour };
    await fillHot(stores, [{ ...cell, clicks: 8, version: 200 }]);
    // An hour is marked before it is counted again.
    const mark = { topic: "clicks.raw", eventHour: new Date(hour), cause: "late" as const };
    await stores.db.insert(streamDirtyHours).values(mark);
    await fillCorrections(stores, "acme", [
      { ...event("a1", 4), reason: "" },
      { ...event("a1", 5), reason: "id_conflict" },
    ]);
    const { rows } = await driftByCampaignHour(stores, scopeOf("acme"), range, nowMs);
    expect(rows[0]).toMatchObject({ stream: 8, truth: 6, unexplained: 0 });
    expect(rows[0]?.causes).not.toHaveProperty("late");

    await stores.clickhouse.command({ query: "TRUNCATE TABLE stream_corrections" });
    const [uncorrected] = (await driftByCampaignHour(stores, scopeOf("acme"), range, nowMs)).rows;
    expect(uncorrected?.causes).toHaveProperty("late", -1);
    await fillHot(stores, [{ ...cell, clicks: 7, version: 201 }]);
  });

  it("adds up when the hour is rolled up and its minutes are gone", async () => {
    const [before] = (await driftByCampaignHour(stores, scopeOf("acme"), range, nowMs)).rows;
    const topic = "clicks.raw";
    await stores.clickhouse.command({
      query: `INSERT INTO hot_hours (advertiser_id, cube, campaign_id, span_start, dimension_value, clicks)
        SELECT 'acme', 'ad', 'a1', toDateTime('2026-10-30 10:00:00', 'UTC'), 'ad_1', 7`,
    });
    await stores.clickhouse.command({ query: "TRUNCATE TABLE hot_minutes" });
    await stores.db.insert(hotRollups).values({ topic, rolledThrough: new Date(range.toMs) });
    const [after] = (await driftByCampaignHour(stores, scopeOf("acme"), range, nowMs)).rows;
    expect(after).toEqual(before);

    await stores.db.delete(hotRollups);
    await stores.clickhouse.command({ query: "TRUNCATE TABLE hot_hours" });
    await fillHot(stores, [
      { advertiser: "acme", campaign: "a1", at: hour, clicks: 7, version: 202 },
    ]);
  });

  it("takes evidence of the current version alone", async () => {
    const build = await publishTruth(stores, {
      ...day,
      cells: [{ campaign: "a1", hour, events: 9 }],
    });
    const all = [
      { hour, first: 0, last: 7 },
      { hour, first: 8, last: 9 },
    ];
    await pinObjects(stores, build, all);
    await fillTruthRejects(stores, { ...day, id: build }, [
      { ...event("a1", 8), verdict: "bot_user_agent" },
    ]);
    const { rows } = await driftByCampaignHour(stores, scopeOf("acme"), range, nowMs);
    // Version 2 takes the duplicate and the double click for valid.
    expect(rows[0]).toMatchObject({
      stream: 7,
      truth: 9,
      causes: { late: -1, unknown_campaign: -1, duplicate: -1, not_archived_yet: 1 },
      unexplained: 0,
    });
  });

  it("shows a tenant nothing of another, whatever campaign it names", async () => {
    await fillAdvertiser(stores, { id: "other", campaigns: ["b1", "b2"] });
    const counted = (campaign: string) => ({ advertiser: "other", campaign, at: hour, clicks: 2 });
    await fillHot(stores, [counted("b1"), counted("b2")]);
    const ofOne = { ...range, campaignId: campaignIdSchema.parse("b1") };
    const own = await driftByCampaignHour(stores, scopeOf("other"), ofOne, nowMs);
    expect(own.rows.map(({ campaignId }) => campaignId)).toEqual(["b1"]);
    for (const scope of [scopeOf("other"), scopeOf(), scopeOf("x') OR (1=1")]) {
      const campaignId = campaignIdSchema.parse("a1");
      const { rows } = await driftByCampaignHour(stores, scope, { ...range, campaignId }, nowMs);
      expect(rows).toEqual([]);
    }
  });
});

// A day in Kathmandu starts at 18:15 UTC, so this hour has two builds with inputs of their own.
it("finds the build of each event where a day starts within an hour", async () => {
  const odd = "2026-10-29T18:00:00Z";
  const at = (minute: number) => new Date(Date.parse(odd) + minute * 60_000).toISOString();
  await fillAdvertiser(stores, { id: "ktm", timeZone: "Asia/Kathmandu", campaigns: ["k1"] });
  await fillHot(stores, [
    { advertiser: "ktm", campaign: "k1", at: at(5), partition: 1, clicks: 1 },
    { advertiser: "ktm", campaign: "k1", at: at(20), partition: 1, clicks: 2 },
  ]);
  await fillStreamRejects(stores, "ktm", [
    { campaign: "k1", at: at(6), partition: 1, offset: 0, reason: "late" },
    { campaign: "k1", at: at(30), partition: 1, offset: 4, reason: "late" },
  ]);
  const first = { hour: odd, partition: 1, first: 0, last: 3 };
  const second = { hour: odd, partition: 1, first: 4, last: 4 };
  await fillManifest(stores, [first, second]);
  const cell = { campaign: "k1", hour: odd };
  const before = await publishTruth(stores, {
    advertiser: "ktm",
    day: "2026-10-29",
    cells: [{ ...cell, events: 2 }],
  });
  await pinObjects(stores, before, [first]);
  const after = await publishTruth(stores, {
    advertiser: "ktm",
    day: "2026-10-30",
    cells: [{ ...cell, events: 3 }],
  });
  await pinObjects(stores, after, [first, second]);
  const watermark = "2026-10-30T13:00:00Z";
  await fillCheckpoints(stores, { partition: 1, stream: 5, archive: 5, watermark });

  const oddMs = Date.parse(odd);
  const { rows } = await driftByCampaignHour(
    stores,
    scopeOf("ktm"),
    { fromMs: oddMs, toMs: oddMs + 1 },
    nowMs,
  );
  expect(rows).toMatchObject([{ stream: 3, truth: 5, causes: { late: -2 }, unexplained: 0 }]);
});

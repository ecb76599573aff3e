import { advertiserIdSchema } from "@trueclick/shared/ids";
import { eq } from "drizzle-orm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { streamCheckpoints, streamDirtyHours } from "../postgres/schema/stream.ts";
import type { TenantScope } from "../tenant.ts";
import { fillStreamRejects } from "../testing/fillEvents.ts";
import { fillAdvertiser, fillHot, publishTruth } from "../testing/fillStores.ts";
import { openTestStores, type TestStores } from "../testing/testStores.ts";
import { runReport } from "./report.ts";
import type { ReportQuery } from "./reportQuery.ts";

let stores: TestStores;
beforeAll(async () => {
  stores = await openTestStores();
  await fillAdvertiser(stores, { id: "acme", timeZone: "Europe/Berlin", campaigns: ["a1", "a2"] });
  await fillAdvertiser(stores, { id: "o'hara", currency: "USD", campaigns: ["o1"] });
});
afterAll(() => stores.close());

const at = (iso: string) => Date.parse(iso);
const nowMs = at("2026-10-30T12:00:00Z");
const scopeOf = (...ids: string[]): TenantScope => ({
  kind: "advertisers",
  ids: ids.map((id) => advertiserIdSchema.parse(id)),
});

const query: ReportQuery = {
  scope: scopeOf("acme"),
  mode: "dashboard",
  fromMs: at("2026-10-30T00:00:00Z"),
  toMs: at("2026-10-31T00:00:00Z"),
  granularity: "total",
  dimensions: [],
  timeZone: "UTC",
  filters: {},
};

describe("the dashboard", () => {
  beforeAll(async () => {
    await fillHot(stores, [
      { advertiser: "acme", campaign: "a1", at: "2026-10-30T10:01:00Z", clicks: 3, version: 10 },
      // The same cell, counted further; a replay then wrote the older count once more.
      { advertiser: "acme", campaign: "a1", at: "2026-10-30T10:01:00Z", clicks: 5, version: 12 },
      // The same minute as seen from another partition of the log.
      {
        advertiser: "acme",
        campaign: "a1",
        at: "2026-10-30T10:01:00Z",
        partition: 1,
        clicks: 2,
        invalid: 4,
        duplicates: 1,
        costMicros: 500_000,
      },
      { advertiser: "acme", campaign: "a2", at: "2026-10-30T11:59:00Z", value: "ad_9", clicks: 1 },
      { advertiser: "o'hara", campaign: "o1", at: "2026-10-30T10:01:00Z", clicks: 100 },
    ]);
    await fillHot(stores, [
      { advertiser: "acme", campaign: "a1", at: "2026-10-30T10:01:00Z", clicks: 3, version: 10 },
    ]);
    // The other cubes hold the same clicks once more each.
    await fillHot(stores, [
      {
        advertiser: "acme",
        campaign: "a1",
        at: "2026-10-30T10:01:00Z",
        cube: "geo",
        value: "DE",
        clicks: 6,
      },
      {
        advertiser: "acme",
        campaign: "a1",
        at: "2026-10-30T10:01:00Z",
        cube: "geo",
        value: "FR",
        clicks: 1,
      },
    ]);
    const bot = { campaign: "a1", at: "2026-10-30T10:01:30Z", offset: 3 };
    await fillStreamRejects(stores, "acme", [
      { ...bot, reason: "bot_user_agent" },
      { ...bot, offset: 4, reason: "token_bad" },
      { ...bot, offset: 5, reason: "duplicate" },
      { ...bot, offset: 6, at: "2026-10-29T10:01:30Z", reason: "bot_user_agent" },
    ]);
    const checkpoint = { topic: "clicks.raw", epoch: 1n, nextOffset: 9n, restartOffset: 9n };
    await stores.db.insert(streamCheckpoints).values([
      { ...checkpoint, partition: 0, watermarkMs: at("2026-10-30T11:50:00Z") },
      { ...checkpoint, partition: 1, watermarkMs: at("2026-10-30T11:40:00Z"), level: 1 },
    ]);
  });

  // Merges are eventual, so a sum over the table's rows counts replays twice.
  it("counts each cell once, at its newest version, and adds up the partitions", async () => {
    const { rows } = await runReport(stores, query, nowMs);
    expect(rows).toEqual([
      {
        clicks: 8,
        gross_clicks: 12,
        net_clicks: 11,
        invalid_clicks: 4,
        invalid_rate: 0.333333,
        duplicate_clicks: 1,
        impressions: 0,
        conversions: 0,
        unique_users: null,
        cost_micros: 500_000,
        currency: "EUR",
        attributed_conversions: null,
        attributed_value_micros: null,
      },
    ]);
  });

  it("says where the numbers are from and how far the slowest partition is", async () => {
    const { meta } = await runReport(stores, query, nowMs);
    expect(meta).toEqual({
      mode: "dashboard",
      store: "hot_minutes",
      reason: expect.any(String),
      as_of: "2026-10-30T12:00:00.000Z",
      watermark: "2026-10-30T11:40:00.000Z",
      finality: "live",
      // The range ends within 31 October of Berlin.
      final_at: "2026-11-03T23:00:00.000Z",
      final_on: "2026-11-04",
      traffic: {
        gross_clicks: 12,
        net_clicks: 11,
        total_net_clicks: 8,
        invalid_rate: 0.333333,
        // The stream knows the quick rules only.
        decision_rate: null,
      },
      degraded: true,
    });
  });

  // The level goes back long before a backfill has counted the hours again.
  it("calls a range degraded while the stream is, or hours of it are not healed", async () => {
    const level = (value: number) =>
      stores.db
        .update(streamCheckpoints)
        .set({ level: value })
        .where(eq(streamCheckpoints.partition, 1));
    const degraded = async (from: string, to: string) => {
      const range = { fromMs: at(from), toMs: at(to) };
      return (await runReport(stores, { ...query, ...range }, nowMs)).meta.degraded;
    };
    const [from, to] = ["2026-10-30T10:30:00Z", "2026-10-30T10:45:00Z"];
    await level(0);
    expect(await degraded(from, to)).toBe(false);
    const mark = { topic: "clicks.raw", eventHour: new Date("2026-10-30T10:00:00Z") };
    const markedAt = new Date(nowMs);
    await stores.db.insert(streamDirtyHours).values([
      { ...mark, cause: "degraded", markedAt },
      { ...mark, cause: "late", eventHour: new Date("2026-10-30T11:00:00Z"), markedAt },
    ]);
    expect(await degraded(from, to)).toBe(true);
    expect(await degraded("2026-10-30T11:00:00Z", "2026-10-30T12:00:00Z")).toBe(false);
    expect(await degraded("2026-10-30T09:00:00Z", "2026-10-30T10:00:00Z")).toBe(false);
    await stores.db.update(streamDirtyHours).set({ healedAt: new Date(nowMs + 1) });
    expect(await degraded(from, to)).toBe(false);
    await stores.db.update(streamDirtyHours).set({ markedAt: new Date(nowMs + 2) });
    expect(await degraded(from, to)).toBe(true);
    await stores.db.delete(streamDirtyHours);
    await level(1);
  });

  it("splits by campaign with its name, by ad and by country, and cuts by hour", async () => {
    const byCampaign = await runReport(
      stores,
      { ...query, granularity: "hour", dimensions: ["campaign", "ad"] },
      nowMs,
    );
    expect(byCampaign.rows).toMatchObject([
      {
        time: "2026-10-30T10:00:00.000Z",
        campaign: "a1",
        campaign_name: "Campaign a1",
        ad: "ad_1",
        ad_name: "Ad of a1",
        clicks: 7,
      },
      { time: "2026-10-30T11:00:00.000Z", campaign: "a2", ad: "ad_9", ad_name: null, clicks: 1 },
    ]);
    const byGeo = await runReport(stores, { ...query, dimensions: ["geo"] }, nowMs);
    expect(byGeo.rows.map(({ geo, clicks, net_clicks }) => [geo, clicks, net_clicks])).toEqual([
      ["DE", 6, null],
      ["FR", 1, null],
    ]);
    const ofGeo = await runReport(stores, { ...query, filters: { geo: ["FR"] } }, nowMs);
    expect(ofGeo.rows.map(({ clicks }) => clicks)).toEqual([1]);
  });

  // The click of a second ago must show whatever second the range starts in.
  it("counts the minute in which the range starts", async () => {
    const fromMs = at("2026-10-30T10:01:30.500Z");
    const { rows } = await runReport(
      stores,
      { ...query, fromMs, granularity: "minute", filters: { campaign: ["a1"] } },
      nowMs,
    );
    expect(rows).toMatchObject([{ time: "2026-10-30T10:01:30.500Z", clicks: 7 }]);
  });
});

// Where the stream began yesterday, a month of history must not look like a month of nothing.
it("joins truth and the hot store where the hot store begins, counting no hour twice", async () => {
  await publishTruth(stores, {
    advertiser: "acme",
    day: "2026-10-26",
    cells: [{ campaign: "a1", hour: "2026-10-25T23:00:00Z", events: 1 }],
  });
  await publishTruth(stores, {
    advertiser: "acme",
    day: "2026-10-30",
    cells: [
      { campaign: "a1", hour: "2026-10-30T09:00:00Z", events: 40 },
      { campaign: "a1", hour: "2026-10-30T10:00:00Z", events: 7 },
    ],
  });
  const { rows, meta } = await runReport(
    stores,
    { ...query, fromMs: at("2026-10-25T23:00:00Z"), filters: { campaign: ["a1"] } },
    nowMs,
  );
  expect(rows.map(({ clicks }) => clicks)).toEqual([1 + 40 + 7]);
  expect(meta).toMatchObject({ store: "truth+hot_minutes", finality: "live" });
});

import { advertiserIdSchema } from "@trueclick/shared/ids";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { streamCheckpoints } from "../postgres/schema/stream.ts";
import type { TenantScope } from "../tenant.ts";
import { fillAdvertiser, fillHot, publishTruth, writeBuild } from "../testing/fillStores.ts";
import { openTestStores, type TestStores } from "../testing/testStores.ts";
import { runReport } from "./report.ts";
import type { ReportQuery } from "./reportQuery.ts";

let stores: TestStores;
beforeAll(async () => {
  stores = await openTestStores();
  await fillAdvertiser(stores, { id: "acme", timeZone: "Europe/Berlin", campaigns: ["a1", "a2"] });
  await fillAdvertiser(stores, { id: "o'hara", currency: "USD", campaigns: ["o1"] });
  await fillAdvertiser(stores, { id: "kathmandu", timeZone: "Asia/Kathmandu", campaigns: ["k1"] });
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
        net_clicks: null,
        invalid_clicks: 4,
        duplicate_clicks: 1,
        impressions: 0,
        conversions: 0,
        unique_users: null,
        cost_micros: 500_000,
        currency: "EUR",
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
      degraded: true,
    });
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
    expect(byGeo.rows.map(({ geo, clicks }) => [geo, clicks])).toEqual([
      ["DE", 6],
      ["FR", 1],
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

describe("billing", () => {
  // The day on which Berlin goes back an hour: 25 hours, 2026-10-24T22:00Z to 2026-10-25T23:00Z.
  beforeAll(async () => {
    const day = { advertiser: "acme", day: "2026-10-25", publishedAt: "2026-10-26T00:10:00Z" };
    await publishTruth(stores, {
      ...day,
      cells: [{ campaign: "a1", hour: "2026-10-25T10:00:00Z", events: 999, costMicros: 999 }],
    });
    await publishTruth(stores, {
      ...day,
      cells: [
        { campaign: "a1", hour: "2026-10-24T22:00:00Z", events: 2, costMicros: 20, users: [1, 2] },
        { campaign: "a1", hour: "2026-10-25T22:00:00Z", events: 3, costMicros: 30, users: [2, 3] },
        { campaign: "a1", hour: "2026-10-25T22:00:00Z", verdict: "bot_user_agent", events: 5 },
        { campaign: "a1", hour: "2026-10-25T22:00:00Z", verdict: "double_click", events: 7 },
        { campaign: "a1", hour: "2026-10-25T22:00:00Z", verdict: "id_conflict", events: 11 },
        { campaign: "a1", hour: "2026-10-25T22:00:00Z", verdict: "test", events: 13 },
        { campaign: "a1", hour: "2026-10-25T22:00:00Z", type: "impression", events: 17 },
        { campaign: "a2", hour: "2026-10-25T12:00:00Z", geo: "FR", events: 4, users: [1] },
      ],
    });
    await publishTruth(stores, {
      advertiser: "acme",
      day: "2026-10-26",
      cells: [{ campaign: "a1", hour: "2026-10-25T23:00:00Z", events: 1, users: [1] }],
    });
    // A job that died after its rows were written.
    await writeBuild(stores, {
      advertiser: "acme",
      day: "2026-10-25",
      cells: [{ campaign: "a1", hour: "2026-10-25T10:00:00Z", events: 5_000 }],
    });
    await publishTruth(stores, {
      advertiser: "o'hara",
      day: "2026-10-25",
      currency: "USD",
      cells: [{ campaign: "o1", hour: "2026-10-25T10:00:00Z", events: 50, costMicros: 70 }],
    });
  });

  const billing: ReportQuery = {
    ...query,
    mode: "billing",
    timeZone: "Europe/Berlin",
    fromMs: at("2026-10-24T22:00:00Z"),
    toMs: at("2026-10-25T23:00:00Z"),
  };

  // An old version beside the current one bills a day twice; a dead job's rows bill it wrongly.
  it("reads the current version alone, and nothing that no version points to", async () => {
    const { rows, meta } = await runReport(stores, billing, nowMs);
    expect(rows).toEqual([
      {
        clicks: 9,
        gross_clicks: 21,
        net_clicks: 16,
        invalid_clicks: 12,
        duplicate_clicks: 11,
        impressions: 17,
        conversions: 0,
        unique_users: 3,
        cost_micros: 50,
        currency: "EUR",
      },
    ]);
    expect(meta).toMatchObject({
      store: "truth",
      watermark: null,
      finality: "closed",
      versions: [{ advertiser: "acme", day: "2026-10-25", version: 2 }],
      degraded: false,
    });
  });

  it("cuts days where the zone's days turn, also one of 25 hours", async () => {
    const { rows } = await runReport(
      stores,
      { ...billing, granularity: "day", toMs: at("2026-10-26T23:00:00Z") },
      nowMs,
    );
    expect(rows.map(({ time, clicks }) => [time, clicks])).toEqual([
      ["2026-10-24T22:00:00.000Z", 9],
      ["2026-10-25T23:00:00.000Z", 1],
    ]);
  });

  it("splits by any dimensions, and never adds up two currencies", async () => {
    const byMany = await runReport(
      stores,
      { ...billing, dimensions: ["campaign", "geo", "device"] },
      nowMs,
    );
    expect(byMany.rows).toMatchObject([
      { campaign: "a1", geo: "DE", device: "mobile", clicks: 5 },
      { campaign: "a2", geo: "FR", device: "mobile", clicks: 4 },
    ]);
    const all = await runReport(stores, { ...billing, scope: { kind: "all" } }, nowMs);
    expect(
      all.rows.map(({ currency, clicks, cost_micros }) => [currency, clicks, cost_micros]),
    ).toEqual([
      ["USD", 50, 70],
      ["EUR", 9, 50],
    ]);
  });

  it("has no row, and is live, where nothing was counted", async () => {
    const empty = { fromMs: at("2026-09-01T00:00Z"), toMs: at("2026-09-02T00:00Z") };
    const { rows, meta } = await runReport(stores, { ...billing, ...empty }, nowMs);
    expect(rows).toEqual([]);
    expect(meta).toMatchObject({ finality: "live", versions: [] });
  });

  // A day there starts at 18:15 UTC: the hour from 18:00 belongs to two days.
  it("gives each part of an hour to its own day in a zone of 45 minutes", async () => {
    await publishTruth(stores, {
      advertiser: "kathmandu",
      day: "2026-10-24",
      cells: [{ campaign: "k1", hour: "2026-10-24T18:00:00Z", events: 1 }],
    });
    await publishTruth(stores, {
      advertiser: "kathmandu",
      day: "2026-10-25",
      cells: [
        { campaign: "k1", hour: "2026-10-24T18:00:00Z", events: 10 },
        { campaign: "k1", hour: "2026-10-25T18:00:00Z", events: 100 },
      ],
    });
    const days: ReportQuery = {
      ...billing,
      scope: scopeOf("kathmandu"),
      timeZone: "Asia/Kathmandu",
      granularity: "day",
      fromMs: at("2026-10-23T18:15:00Z"),
      toMs: at("2026-10-25T18:15:00Z"),
    };
    const { rows, meta } = await runReport(stores, days, nowMs);
    expect(rows.map(({ time, clicks }) => [time, clicks])).toEqual([
      ["2026-10-23T18:15:00.000Z", 1],
      ["2026-10-24T18:15:00.000Z", 110],
    ]);
    expect(meta.reason).not.toContain("whole hours");
    const oneDay = await runReport(stores, { ...days, fromMs: at("2026-10-24T18:15:00Z") }, nowMs);
    expect(oneDay.rows.map(({ clicks }) => clicks)).toEqual([110]);
  });
});

// Where the stream began yesterday, a month of history must not look like a month of nothing.
it("joins truth and the hot store where the hot store begins, counting no hour twice", async () => {
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

describe("a tenant", () => {
  const both: readonly Pick<ReportQuery, "mode" | "fromMs" | "toMs">[] = [
    { mode: "dashboard", fromMs: query.fromMs, toMs: query.toMs },
    { mode: "billing", fromMs: at("2026-10-25T00:00Z"), toMs: at("2026-10-26T00:00Z") },
  ];

  it.each(both)("sees nothing of another by naming its ids, in $mode", async (range) => {
    for (const filters of [{ campaign: ["o1"] }, { advertiser: ["o'hara"] }]) {
      const { rows, meta } = await runReport(stores, { ...query, ...range, filters }, nowMs);
      expect(rows).toEqual([]);
      expect((meta.versions ?? []).filter(({ advertiser }) => advertiser !== "acme")).toEqual([]);
    }
  });

  it.each(both)("of an empty scope sees nothing, in $mode", async (range) => {
    const { rows } = await runReport(stores, { ...query, ...range, scope: scopeOf() }, nowMs);
    expect(rows).toEqual([]);
  });

  it.each(both)("cannot widen its scope by what its id holds, in $mode", async (range) => {
    const ids = ["x') OR (1=1", "acme','o'hara", "\\", "{tenant_all: Bool}"];
    for (const id of ids) {
      const { rows } = await runReport(stores, { ...query, ...range, scope: scopeOf(id) }, nowMs);
      expect(rows).toEqual([]);
    }
    const own = await runReport(stores, { ...query, ...range, scope: scopeOf("o'hara") }, nowMs);
    expect(own.rows).toHaveLength(1);
  });
});

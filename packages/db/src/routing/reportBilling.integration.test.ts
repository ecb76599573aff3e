import { advertiserIdSchema } from "@trueclick/shared/ids";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TenantScope } from "../tenant.ts";
import { fillAdvertiser, publishTruth, writeBuild } from "../testing/fillStores.ts";
import { openTestStores, type TestStores } from "../testing/testStores.ts";
import { USERS_UNITED_MAX } from "./measures.ts";
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

const CREDITED = { type: "conversion", events: 0, credited: 2, creditedValueMicros: -7 } as const;

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
        { ...CREDITED, campaign: "a1", hour: "2026-10-25T22:00:00Z" },
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
      ...day,
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
        invalid_rate: 0.571429,
        duplicate_clicks: 11,
        impressions: 17,
        conversions: 0,
        unique_users: 3,
        cost_micros: 50,
        currency: "EUR",
        attributed_conversions: 2,
        attributed_value_micros: -7,
      },
    ]);
    expect(meta).toMatchObject({
      store: "truth",
      watermark: null,
      finality: "closed",
      // Berlin's 25 October ends at 23:00Z; 72 hours later it is the 29th there.
      final_at: "2026-10-28T23:00:00.000Z",
      final_on: "2026-10-29",
      traffic: {
        ...{ gross_clicks: 21, net_clicks: 16, total_net_clicks: 9 },
        ...{ invalid_rate: 0.571429, decision_rate: 1 },
      },
      versions: [{ advertiser: "acme", day: "2026-10-25", version: 2 }],
      degraded: false,
    });
  });

  // Lines are few and the cube is large: which of them is asked must not be seen in the answer.
  it("adds up to the same from billed lines and from the cube", async () => {
    const ranges = [
      { fromMs: at("2026-10-24T22:00:00Z"), toMs: at("2026-10-26T23:00:00Z") },
      { fromMs: at("2026-10-24T22:00:00Z"), toMs: at("2026-10-25T23:00:00Z") },
    ];
    const scopes = [scopeOf("acme"), scopeOf("acme", "o'hara")];
    for (const granularity of ["total", "day"] as const) {
      for (const dimensions of [[], ["campaign"], ["advertiser"]] as const) {
        for (const [number, range] of ranges.entries()) {
          for (const scope of scopes) {
            const asked = { ...billing, ...range, granularity, dimensions, scope };
            // A filter by what all events have is one that lines cannot tell.
            const cube = { ...asked, filters: { device: ["mobile"] } };
            const [fromLines, fromCube] = await Promise.all([
              runReport(stores, asked, nowMs),
              runReport(stores, cube, nowMs),
            ]);
            expect(fromLines, `${granularity} ${dimensions} ${number}`).toEqual(fromCube);
            expect(fromLines.rows.length).toBeGreaterThan(0);
          }
        }
      }
    }
  });

  it("leaves users out where uniting them would take long, and says so", async () => {
    const cell = { campaign: "a2", events: USERS_UNITED_MAX, users: [1, 2] };
    for (const day of ["2026-08-10", "2026-08-11"]) {
      await publishTruth(stores, {
        ...{ advertiser: "acme", day },
        cells: [{ ...cell, hour: `${day}T10:00:00Z` }],
      });
    }
    const range = { fromMs: at("2026-08-09T22:00:00Z"), toMs: at("2026-08-11T22:00:00Z") };
    const total = await runReport(stores, { ...billing, ...range }, nowMs);
    expect(total.rows).toMatchObject([{ clicks: 2 * USERS_UNITED_MAX, unique_users: null }]);
    expect(total.meta.reason).toContain("unique users of so many clicks are left out");
    const filters = { geo: ["DE"] };
    const ofCube = await runReport(stores, { ...billing, ...range, filters }, nowMs);
    expect(ofCube.rows).toMatchObject([{ clicks: 2 * USERS_UNITED_MAX, unique_users: null }]);
    // Of one day and campaign they were counted once for all.
    const daily = { granularity: "day", dimensions: ["campaign"] } as const;
    const byDay = await runReport(stores, { ...billing, ...range, ...daily }, nowMs);
    expect(byDay.rows.map((row) => row.unique_users)).toEqual([2, 2]);
    expect(byDay.meta.reason).not.toContain("left out");
    const oneDay = { ...range, toMs: at("2026-08-10T22:00:00Z") };
    const shorter = await runReport(stores, { ...billing, ...oneDay }, nowMs);
    expect(shorter.rows).toMatchObject([{ unique_users: 2 }]);
  });

  // I6. An invoice of last month shows the numbers that it was made of, whatever was corrected since.
  it("reads the versions of a past instant, whole, and as final as they were then", async () => {
    const day = { advertiser: "acme", day: "2026-09-10" };
    const hour = "2026-09-10T10:00:00Z";
    const published = [
      ["2026-09-11T00:00:00.000Z", 5, "settling"],
      ["2026-09-12T00:00:00.000Z", 6, "settling"],
      ["2026-09-20T00:00:00.000Z", 7, "corrected"],
    ] as const;
    for (const [publishedAt, events] of published) {
      await publishTruth(stores, {
        ...day,
        publishedAt,
        cells: [{ campaign: "a1", hour, events }],
      });
    }
    const range = { fromMs: at("2026-09-09T22:00:00Z"), toMs: at("2026-09-10T22:00:00Z") };
    const asked = { ...billing, ...range };
    for (const [number, [publishedAt, clicks, finality]] of published.entries()) {
      const past = { ...asked, asOfMs: at(publishedAt) };
      const { rows, meta } = await runReport(stores, past, nowMs);
      expect(rows).toMatchObject([{ clicks }]);
      expect(meta).toMatchObject({
        as_of: publishedAt,
        finality,
        versions: [{ version: number + 1 }],
      });
    }
    const before = await runReport(stores, { ...asked, asOfMs: at("2026-09-10T23:59:59Z") }, nowMs);
    expect(before.rows).toEqual([]);
    expect((await runReport(stores, asked, nowMs)).rows).toMatchObject([{ clicks: 7 }]);
  });

  it("reads no future, and no past of what the stream says", async () => {
    const asOfMs = at("2026-10-26T00:00:00Z");
    const dashboard = { ...billing, mode: "dashboard", asOfMs } as const;
    await expect(runReport(stores, dashboard, nowMs)).rejects.toThrow(/mode=billing/);
    const future = { ...billing, asOfMs: nowMs + 1 };
    await expect(runReport(stores, future, nowMs)).rejects.toMatchObject({ parameter: "as_of" });
  });

  it("answers a rare slice of 90 days from the cube also on the dashboard, and says so", async () => {
    const rare = { fromMs: nowMs - 90 * 86_400_000, toMs: nowMs + 3_600_000 };
    const { rows, meta } = await runReport(
      stores,
      { ...query, ...rare, dimensions: ["campaign", "geo", "device"] },
      nowMs,
    );
    expect(rows).toContainEqual(
      expect.objectContaining({ campaign: "a2", geo: "FR", device: "mobile", clicks: 4 }),
    );
    expect(meta.store).toBe("truth");
    expect(meta.reason).toMatch(/one dimension.*newest days may not be counted/);
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

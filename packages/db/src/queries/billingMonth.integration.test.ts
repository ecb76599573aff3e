import { advertiserIdSchema } from "@trueclick/shared/ids";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { TenantScope } from "../tenant.ts";
import { fillAdvertiser, publishTruth } from "../testing/fillStores.ts";
import { openTestStores, type TestStores } from "../testing/testStores.ts";
import { billingMonth } from "./billingMonth.ts";
import { listTruthPartitions } from "./truth.ts";

let stores: TestStores;
const acme = advertiserIdSchema.parse("acme");
const other = advertiserIdSchema.parse("other");
const scope: TenantScope = { kind: "advertisers", ids: [acme] };
const month = { advertiserId: acme, month: "2026-10" };
const nowMs = Date.parse("2026-10-30T12:00:00Z");

beforeAll(async () => {
  stores = await openTestStores();
  await fillAdvertiser(stores, { id: "acme", timeZone: "Europe/Berlin", campaigns: ["a1", "a2"] });
  await fillAdvertiser(stores, { id: "other", currency: "USD", campaigns: ["b1"] });
  const day = { advertiser: "acme", day: "2026-10-05" };
  const cell = { hour: "2026-10-05T10:00:00Z", events: 2, costMicros: 500_000 };
  await publishTruth(stores, {
    ...day,
    publishedAt: "2026-10-06T01:00:00Z",
    cells: [{ ...cell, campaign: "a1" }],
  });
  await publishTruth(stores, {
    ...day,
    publishedAt: "2026-10-20T01:00:00Z",
    cells: [
      { ...cell, campaign: "a1", events: 3 },
      { ...cell, campaign: "a2", costMicros: 900_000 },
    ],
  });
  await publishTruth(stores, {
    advertiser: "acme",
    day: "2026-10-30",
    publishedAt: "2026-10-30T11:00:00Z",
    cells: [{ ...cell, hour: "2026-10-30T09:00:00Z", campaign: "a1" }],
  });
  await publishTruth(stores, {
    advertiser: "other",
    day: "2026-10-05",
    currency: "USD",
    cells: [{ ...cell, campaign: "b1" }],
  });
});
afterAll(() => stores.close());

it("bills each day at its current version, and says how final it is", async () => {
  const billed = await billingMonth(stores, scope, month, nowMs);
  const counted = billed?.days.filter((day) => day.version !== null);
  expect(counted).toMatchObject([
    {
      day: "2026-10-05",
      version: 2,
      finality: "corrected",
      totals: { clicks: 5n, costMicros: 1_400_000n },
    },
    { day: "2026-10-30", version: 1, finality: "settling", totals: { clicks: 2n } },
  ]);
  expect(billed).toMatchObject({
    currency: "EUR",
    finality: "live",
    decisionRate: 1,
    totals: { clicks: 7n, costMicros: 1_900_000n },
    campaigns: [
      { campaignId: "a1", campaignName: "Campaign a1", clicks: 5n, costMicros: 1_000_000n },
      { campaignId: "a2", clicks: 2n, costMicros: 900_000n },
    ],
  });
});

it("has the days that have begun in the account's zone, and no others", async () => {
  const lastMinute = Date.parse("2026-10-30T23:00:00Z");
  const days = async (at: number) => (await billingMonth(stores, scope, month, at))?.days.length;
  expect(await days(lastMinute)).toBe(30);
  expect(await days(lastMinute + 1)).toBe(31);
  expect(await days(Date.parse("2026-09-30T22:00:00Z"))).toBe(0);
  const earlier = { ...month, month: "2026-09" };
  expect(await billingMonth(stores, scope, earlier, nowMs)).toMatchObject({ decisionRate: null });
});

it("knows no advertiser but the scope's", async () => {
  expect(await billingMonth(stores, scope, { ...month, advertiserId: other }, nowMs)).toBeNull();
  const nobody: TenantScope = { kind: "advertisers", ids: [] };
  expect(await billingMonth(stores, nobody, month, nowMs)).toBeNull();
});

it("lists every version, the current one marked, and a tenant's own alone", async () => {
  const versions = await listTruthPartitions(stores, scope, {}, nowMs);
  expect(versions.map((row) => [row.billingDay, row.version, row.current, row.finality])).toEqual([
    ["2026-10-30", 1, true, "settling"],
    ["2026-10-05", 2, true, "corrected"],
    ["2026-10-05", 1, false, "closed"],
  ]);
  const foreign = { advertiserId: other };
  expect(await listTruthPartitions(stores, scope, foreign, nowMs)).toEqual([]);
  const all = await listTruthPartitions(
    stores,
    { kind: "all" },
    { fromDay: "2026-10-05", toDay: "2026-10-05" },
    nowMs,
  );
  expect(all.map((row) => [row.advertiserId, row.version])).toEqual([
    ["acme", 2],
    ["acme", 1],
    ["other", 1],
  ]);
});

it("lists the days that a range of instants touches, each advertiser's in its zone", async () => {
  const daysOf = async (advertiserId: typeof acme, from: string, to: string) => {
    const filter = { advertiserId, fromMs: Date.parse(from), toMs: Date.parse(to) };
    const found = await listTruthPartitions(stores, { kind: "all" }, filter, nowMs);
    return [...new Set(found.map(({ billingDay }) => billingDay))];
  };
  const last = ["2026-10-05T21:59:59.999Z", "2026-10-05T22:00:00.000Z"] as const;
  expect(await daysOf(acme, ...last)).toEqual(["2026-10-05"]);
  expect(await daysOf(acme, last[1], "2026-10-06T22:00:00.000Z")).toEqual([]);
  expect(await daysOf(acme, "2026-10-01T00:00:00Z", "2026-10-04T22:00:00.000Z")).toEqual([]);
  expect(await daysOf(other, last[1], "2026-10-05T23:00:00.000Z")).toEqual(["2026-10-05"]);
});

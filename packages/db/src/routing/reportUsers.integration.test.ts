import { advertiserIdSchema } from "@trueclick/shared/ids";
import { HOUR_MS, MINUTE_MS } from "@trueclick/shared/time";
import { afterAll, beforeAll, expect, it } from "vitest";
import { fillAdvertiser, fillHot, fillHotUsers, publishTruth } from "../testing/fillStores.ts";
import { migrateTestClickHouse } from "../testing/testClickHouse.ts";
import { openTestStores, type TestStores } from "../testing/testStores.ts";
import { USERS_UNITED_MAX } from "./measures.ts";
import { runReport } from "./report.ts";
import type { ReportQuery } from "./reportQuery.ts";

const at = (iso: string) => Date.parse(iso);
const nowMs = at("2026-10-30T12:00:00Z");
const query: ReportQuery = {
  scope: { kind: "advertisers", ids: [advertiserIdSchema.parse("acme")] },
  mode: "dashboard",
  fromMs: at("2026-10-30T00:00:00Z"),
  toMs: at("2026-10-31T00:00:00Z"),
  granularity: "total",
  dimensions: [],
  timeZone: "UTC",
  filters: {},
};

/** Users of either hour, of whom half are of both. */
const USERS = 20_000;
const usersFrom = (first: number) => Array.from({ length: USERS }, (_none, n) => first + n);

let stores: TestStores;
beforeAll(async () => {
  stores = await openTestStores();
  await fillAdvertiser(stores, { id: "acme", campaigns: ["a1", "a2"] });
  await fillAdvertiser(stores, { id: "o'hara", campaigns: ["o1"] });
  const acme = { advertiser: "acme", clicks: 1 };
  await fillHot(stores, [
    { ...acme, campaign: "a1", at: "2026-10-30T10:01:00Z" },
    { ...acme, campaign: "a1", at: "2026-10-30T11:01:00Z" },
    { ...acme, campaign: "a2", at: "2026-10-30T11:01:00Z" },
    { advertiser: "o'hara", campaign: "o1", at: "2026-10-30T10:01:00Z", clicks: 1 },
  ]);
  const [early, late] = ["2026-10-30T10:00:00Z", "2026-10-30T11:00:00Z"];
  const filled = [
    { advertiser: "acme", campaign: "a1", hour: early, users: usersFrom(0) },
    { advertiser: "acme", campaign: "a1", hour: late, users: usersFrom(USERS / 2) },
    { advertiser: "acme", campaign: "a2", hour: late, users: [] },
    { advertiser: "o'hara", campaign: "o1", hour: early, users: usersFrom(9 * USERS) },
  ];
  // Written by two partitions, or twice by one.
  for (const _time of [1, 2]) await fillHotUsers(stores, filled);
});
afterAll(() => stores.close());

async function usersOf(asked: Partial<ReportQuery>) {
  const { rows } = await runReport(stores, { ...query, ...asked }, nowMs);
  return rows.map(({ unique_users }) => unique_users);
}

/** Within 1 percent. */
function expectNear(found: number | null | undefined, users: number): void {
  expect(Math.abs((found ?? 0) / users - 1)).toBeLessThan(0.01);
}

it("counts a user once over hours, writes and campaigns, and none of another tenant", async () => {
  const [total, ...others] = await usersOf({});
  expectNear(total, 1.5 * USERS);
  expect(others).toEqual([]);
  const [early, late] = await usersOf({ granularity: "hour", filters: { campaign: ["a1"] } });
  expectNear(early, USERS);
  expectNear(late, USERS);
  const [day] = await usersOf({ granularity: "day" });
  expectNear(day, 1.5 * USERS);
  const nobody = { ...query.scope, kind: "advertisers", ids: [] } as const;
  expect(await usersOf({ scope: nobody })).toEqual([]);
  const [both] = await usersOf({ scope: { kind: "all" } });
  expectNear(both, 2.5 * USERS);
});

it("tells clicks of no user from clicks whose users are not known", async () => {
  expect(await usersOf({ filters: { campaign: ["a2"] } })).toEqual([0]);
  await fillHot(stores, [
    { advertiser: "acme", campaign: "a3", at: "2026-10-30T09:01:00Z", clicks: 1 },
  ]);
  expect(await usersOf({ filters: { campaign: ["a3"] } })).toEqual([null]);
});

it("says nothing where an hour is cut, by minute, and by another dimension", async () => {
  const fromMs = query.fromMs + 30 * MINUTE_MS;
  expect(await usersOf({ fromMs })).toEqual([null]);
  expect(await usersOf({ toMs: at("2026-10-30T11:30:00Z") })).toEqual([null]);
  // Nothing is later than now, so a range to now cuts no hour.
  const { rows: toNow } = await runReport(
    stores,
    { ...query, toMs: nowMs - 15 * MINUTE_MS },
    nowMs - 15 * MINUTE_MS,
  );
  expectNear(toNow[0]?.unique_users, 1.5 * USERS);
  const minutes = await usersOf({ granularity: "minute" });
  expect(new Set(minutes)).toEqual(new Set([null]));
  expect(await usersOf({ dimensions: ["ad"] })).toEqual([null]);
  // Days of Kathmandu begin at a quarter past an hour of UTC.
  const kathmandu = { granularity: "day", timeZone: "Asia/Kathmandu" } as const;
  const { rows: days } = await runReport(stores, { ...query, ...kathmandu }, query.toMs);
  expect(days.map(({ unique_users }) => unique_users)).toEqual([null]);
  const hours = { granularity: "hour", fromMs: at("2026-10-30T10:00:30Z") } as const;
  const [cut, whole] = await usersOf({ ...hours, toMs: at("2026-10-30T12:00:00Z") });
  expect(cut).toBeNull();
  expect(whole).toBeGreaterThan(USERS / 2);
  expect(await usersOf({ toMs: query.fromMs + HOUR_MS })).toEqual([]);
});

it("leaves users out of so many clicks that uniting them would take long, and says so", async () => {
  const many = { advertiser: "acme", campaign: "a1", at: "2026-10-30T08:01:00Z" };
  await fillHot(stores, [{ ...many, clicks: USERS_UNITED_MAX }]);
  const { rows, meta } = await runReport(stores, query, nowMs);
  expect(rows).toMatchObject([{ unique_users: null }]);
  expect(meta.reason).toContain("unique users of so many clicks are left out");
  expectNear((await usersOf({ fromMs: query.fromMs + 9 * HOUR_MS }))[0], 1.5 * USERS);
});

it("tells the same of rows from before there were lists of users", async () => {
  const users = Array.from({ length: 300 }, (_none, n) => n + 1);
  const cell = { campaign: "a1", hour: "2026-10-20T10:00:00Z", events: 300 };
  await publishTruth(stores, {
    ...{ advertiser: "acme", day: "2026-10-20" },
    cells: [
      { ...cell, users },
      { ...cell, geo: "FR", users: [1, 2, 1_000] },
      { ...cell, verdict: "double_click" },
    ],
  });
  const asked = {
    ...({ mode: "billing", dimensions: ["geo"] } as const),
    ...{ fromMs: at("2026-10-20T00:00:00Z"), toMs: at("2026-10-21T00:00:00Z") },
  };
  expect(await usersOf(asked)).toEqual([300, 3]);
  const run = (query: string) =>
    stores.clickhouse.command({ query, clickhouse_settings: { mutations_sync: "1" } });
  await run(
    "ALTER TABLE truth_cube UPDATE users = arrayReduce('uniqExactState', user_hashes) WHERE true",
  );
  await run("ALTER TABLE truth_cube DROP COLUMN user_hashes");
  await migrateTestClickHouse(stores.clickhouse);
  expect(await usersOf(asked)).toEqual([300, 3]);
  expect(await usersOf({ ...asked, dimensions: [] })).toEqual([301]);
});

import { truthLeftSlices, truthReturns } from "@trueclick/db/postgres/schema/returns";
import { keptSlices } from "@trueclick/db/routing/keptSlices";
import { USERS_UNITED_MAX } from "@trueclick/db/routing/measures";
import { runReport } from "@trueclick/db/routing/report";
import type { ReportQuery } from "@trueclick/db/routing/reportQuery";
import { fillAdvertiser, publishTruth, type TruthCell } from "@trueclick/db/testing/fillStores";
import { openTestStores, type TestStores } from "@trueclick/db/testing/testStores";
import { advertiserIdSchema } from "@trueclick/shared/ids";
import { and, eq, isNull, sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { composeReturns } from "./composeBatch.ts";
import { countReturnsOf, sweepSlices } from "./pipeline/runReturns.ts";

// Two days of a zone that is not of whole hours, of which the second has a first hour in the build of the
// version before; cells of every kind.
const nepal = advertiserIdSchema.parse("nepal");
const big = advertiserIdSchema.parse("big");
/** Whose second day is in another currency, and so in another row, in which it is the first. */
const moved = advertiserIdSchema.parse("moved");
const NOON = "2026-11-01T12:00:00Z";
const nowMs = Date.parse("2026-11-20T00:00:00Z");
const { signal } = new AbortController();
const first = "2026-10-30T18:00:00Z";

const clicks = (campaign: string, hour: string, users: readonly number[]): TruthCell => ({
  ...{ campaign, hour, users, events: users.length + 2, costMicros: 10 * users.length },
});

const cellsOf = (hour: string): TruthCell[] => [
  { ...clicks("n1", hour, [1, 2, 3]), geo: "NP" },
  { ...clicks("n1", hour, [2, 4]), geo: "NP", device: "tablet", ad: "ad_2" },
  { ...clicks("n2", hour, [2, 9]), geo: "IN", publisher: "pub_2" },
  { campaign: "n1", hour, geo: "NP", verdict: "bot_user_agent", events: 5 },
  { campaign: "n1", hour, geo: "NP", verdict: "double_click", events: 6 },
  { campaign: "n1", hour, geo: "NP", verdict: "duplicate", events: 7 },
  { campaign: "n1", hour, geo: "NP", verdict: "test", events: 8 },
  { campaign: "n1", hour, geo: "XX", type: "impression", events: 9 },
  { campaign: "n2", hour, geo: "IN", type: "conversion", events: 3 },
  { campaign: "n2", hour, geo: "IN", type: "conversion", verdict: "duplicate", events: 4 },
  { campaign: "n2", hour, type: "conversion", events: 0, credited: 2, creditedValueMicros: 70 },
];

let stores: TestStores;
beforeAll(async () => {
  stores = await openTestStores();
  await fillAdvertiser(stores, {
    ...{ id: nepal, timeZone: "Asia/Kathmandu", currency: "NPR", campaigns: ["n1", "n2"] },
  });
  const account = { advertiser: nepal, currency: "NPR" };
  const publishedAt = (hour: number) => ({ publishedAt: `2026-11-01T0${hour}:00:00Z` });
  await publishTruth(stores, {
    ...{ ...account, day: "2026-10-30", ...publishedAt(1) },
    cells: [...cellsOf("2026-10-29T18:00:00Z"), ...cellsOf("2026-10-30T07:00:00Z")],
  });
  const before = await publishTruth(stores, {
    ...{ ...account, day: "2026-10-31", ...publishedAt(2) },
    cells: [...cellsOf(first), ...cellsOf("2026-10-31T09:00:00Z")],
  });
  const held = cellsOf(first).filter(({ credited }) => credited === undefined);
  await publishTruth(stores, {
    ...{ ...account, day: "2026-10-31", ...publishedAt(3) },
    cells: [{ ...clicks("n1", "2026-10-31T09:00:00Z", [3, 4, 50]), geo: "NP" }],
    takenOver: [{ buildId: before, hours: [Date.parse(first) / 1_000], cells: held }],
  });
  await fillAdvertiser(stores, { id: moved, timeZone: "Asia/Kathmandu", campaigns: ["m1"] });
  for (const [day, currency] of [
    ["2026-10-30", "EUR"],
    ["2026-10-31", "NPR"],
  ] as const) {
    const cell = { ...clicks("m1", `${day}T09:00:00Z`, [1, 2]), geo: "NP" };
    await publishTruth(stores, {
      advertiser: moved,
      currency,
      day,
      publishedAt: NOON,
      cells: [cell],
    });
  }
  await fillAdvertiser(stores, { id: big, campaigns: ["b1"] });
  for (const day of ["2026-10-30", "2026-10-31"]) {
    const cell = { ...clicks("b1", `${day}T09:00:00Z`, [1, 2]), events: USERS_UNITED_MAX };
    const few = { ...clicks("b1", `${day}T10:00:00Z`, [7]), geo: "NP" };
    await publishTruth(stores, { advertiser: big, day, publishedAt: NOON, cells: [cell, few] });
  }
});
afterAll(() => stores.close());

const query: ReportQuery = {
  scope: { kind: "advertisers", ids: [nepal] },
  mode: "billing",
  fromMs: Date.parse("2026-10-29T18:15:00Z"),
  toMs: Date.parse("2026-10-31T18:15:00Z"),
  granularity: "total",
  dimensions: ["campaign", "geo", "device"],
  timeZone: "Asia/Kathmandu",
  filters: {},
};
const BIG_DAYS = { fromMs: Date.parse("2026-10-30"), toMs: Date.parse("2026-11-01") };
const asked: readonly Partial<ReportQuery>[] = [
  {},
  { granularity: "day" },
  { scope: { kind: "all" }, granularity: "day", filters: { campaign: ["n1", "n2"] } },
  { dimensions: ["geo", "device"], filters: { campaign: ["n1"] } },
  { dimensions: ["campaign", "device"], filters: { geo: ["NP"] } },
  { filters: { geo: ["NP", "IN"], device: ["mobile"] } },
  { asOfMs: Date.parse("2026-11-01T02:30:00Z") },
  { asOfMs: Date.parse("2026-11-01T02:30:00Z"), toMs: Date.parse("2026-10-30T18:15:00Z") },
  { dimensions: ["geo"] },
  { dimensions: ["campaign", "geo", "device", "ad"] },
  { granularity: "hour", timeZone: "UTC" },
  { toMs: Date.parse("2026-10-31T10:15:00Z") },
  { scope: { kind: "advertisers", ids: [] } },
  { ...BIG_DAYS, scope: { kind: "advertisers", ids: [big] }, dimensions: ["geo"] },
  { scope: { kind: "advertisers", ids: [nepal, moved] } },
  { scope: { kind: "advertisers", ids: [moved] }, granularity: "day" },
  { dimensions: [], filters: { campaign: ["n1"], geo: ["NP"], device: ["mobile"] } },
  { dimensions: [], filters: { campaign: ["n1"], geo: ["ZZ"], device: ["mobile"] } },
  { ...BIG_DAYS, scope: { kind: "advertisers", ids: [big] } },
  { ...BIG_DAYS, scope: { kind: "advertisers", ids: [big] }, filters: { geo: ["NP"] } },
];

const count = (id = nepal) =>
  countReturnsOf(
    composeReturns(stores, () => nowMs),
    id,
    signal,
  );
const answers = (of: Pick<TestStores, "db" | "clickhouse"> = stores) =>
  Promise.all(
    asked.map((question) => {
      const { db, clickhouse } = of;
      return runReport({ db, clickhouse }, { ...query, ...question }, nowMs);
    }),
  );

async function slices(): Promise<number[]> {
  const found = await stores.clickhouse.query({
    query: "SELECT DISTINCT slices_id AS id FROM truth_slices ORDER BY id",
    format: "JSONEachRow",
  });
  const rows = z.array(z.object({ id: z.coerce.number() })).parse(await found.json());
  return rows.map(({ id }) => id);
}

it("tells of slices all that cells tell, and only of days that have them", async () => {
  const before = await answers();
  expect(before.map(({ rows }) => rows.length)).toEqual([
    5, 9, 9, 3, 2, 2, 5, 5, 4, 5, 15, 5, 0, 2, 7, 2, 1, 0, 2, 1,
  ]);
  expect(await count()).toBe(2);
  expect(await count(big)).toBe(2);
  expect(await count(moved)).toBe(2);
  expect(await answers()).toEqual(before);
  // Cells are not looked at any more for days of slices: those of others are all that is read here.
  await stores.clickhouse.command({
    query: "CREATE TABLE hidden AS truth_cube",
  });
  await stores.clickhouse.command({ query: "EXCHANGE TABLES hidden AND truth_cube" });
  const without = await answers();
  await stores.clickhouse.command({ query: "EXCHANGE TABLES hidden AND truth_cube" });
  const isSame = without.map(({ rows }, at) => rows.length === before[at]?.rows.length);
  expect(isSame.map((same, at) => (same ? at : -1)).filter((at) => at >= 0)).toEqual([
    0, 1, 2, 3, 4, 5, 7, 12, 13, 14, 15, 16, 17, 18, 19,
  ]);
  expect(without.filter((_answer, at) => isSame[at])).toEqual(
    before.filter((_answer, at) => isSame[at]),
  );
});

it("looks slices up for whom the scope sees, of the days of the range and those about it", async () => {
  await Promise.all([count(), count(big), count(moved)]);
  const range = { fromMs: Date.parse("2026-11-01"), toMs: Date.parse("2026-11-02") };
  const found = async (scope: ReportQuery["scope"]) =>
    (await keptSlices(stores, scope, range)).map((day) => `${day.advertiserId} ${day.billingDay}`);
  const last = [big, moved, nepal].map((id) => `${id} 2026-10-31`);
  expect((await found({ kind: "all" })).sort()).toEqual(last);
  expect(await found({ kind: "advertisers", ids: [nepal] })).toEqual(["nepal 2026-10-31"]);
  expect(await found({ kind: "advertisers", ids: [] })).toEqual([]);
});

// What was kept before slices lay in this table names none: reports would read the cube for good.
it("counts days anew of which no slices are named, and reports are the same meanwhile", async () => {
  await Promise.all([count(), count(big), count(moved)]);
  const { db } = stores;
  const before = await answers();
  await db
    .update(truthReturns)
    .set({ daySlicesId: null })
    .where(eq(truthReturns.advertiserId, nepal));
  expect(await answers()).toEqual(before);
  expect(await count()).toBe(2);
  expect(await db.$count(truthReturns, isNull(truthReturns.daySlicesId))).toBe(0);
  expect(await answers()).toEqual(before);
  await stores.clickhouse.command({ query: "TRUNCATE TABLE truth_slices" });
  await db.update(truthReturns).set({ daySlicesId: null });
  await Promise.all([count(), count(big), count(moved)]);
});

it("names slices that are all there, and sweeps those that nobody names", async () => {
  await Promise.all([count(), count(big), count(moved)]);
  const { db } = stores;
  const named = await slices();
  expect(named).toHaveLength(6);
  const { register, engine } = composeReturns(stores, () => nowMs);
  await db
    .update(truthReturns)
    .set({ version: 0 })
    .where(and(eq(truthReturns.advertiserId, nepal), eq(truthReturns.billingDay, "2026-10-31")));
  const before = await answers();
  // Dies once rows are written: they are nobody's.
  const replace = () => Promise.reject(new Error("killed"));
  const dying = { engine, register: { ...register, replace } };
  await expect(countReturnsOf(dying, nepal, signal)).rejects.toThrow("killed");
  expect(await slices()).toHaveLength(7);
  expect(await answers()).toEqual(before);
  expect(await count()).toBe(1);
  expect(await answers()).toEqual(before);
  // Of six, two are left: that of who died, and that which was replaced. They may still be read.
  await sweepSlices({ register, engine });
  expect(await slices()).toHaveLength(8);
  await db.update(truthLeftSlices).set({ leftAt: sql`now() - interval '2 hours'` });
  await sweepSlices({ register, engine });
  const ids = (await db.select({ id: truthReturns.daySlicesId }).from(truthReturns)).map(
    ({ id }) => id,
  );
  expect(await slices()).toEqual(ids.toSorted((a, b) => Number(a) - Number(b)));
  expect(await db.select().from(truthLeftSlices)).toEqual([]);
  expect(await answers()).toEqual(before);
  // Who comes back so late that his slices are gone does not name them.
  const [begun] = (await register.beginSlices(nepal, ["2026-10-30"])).values();
  await db.delete(truthLeftSlices);
  const late = { day: "2026-10-30", version: 1, compared: [], uniqueUsers: 0, returned: [] };
  const naming = register.replace(nepal, { ...late, lines: [], slicesId: begun ?? 0 });
  await expect(naming).rejects.toThrow("were removed");
  expect(await answers()).toEqual(before);
});

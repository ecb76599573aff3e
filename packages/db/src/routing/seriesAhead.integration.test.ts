/** Lines that are read ahead are those of the state that they were read in, and are not read again. */
import { advertiserIdSchema } from "@trueclick/shared/ids";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "@trueclick/shared/time";
import { sql } from "drizzle-orm";
import { afterAll, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { z } from "zod";
import { openDatabase } from "../postgres/database.ts";
import { hotLineHours, hotLines } from "../postgres/schema/hotLines.ts";
import { streamDirtyHours } from "../postgres/schema/stream.ts";
import { AnswerMemo } from "../queries/answerMemo.ts";
import { writeHotLines } from "../queries/writeHotLines.ts";
import type { Stores } from "../stores.ts";
import type { TenantScope } from "../tenant.ts";
import { fillAdvertiser } from "../testing/fillStores.ts";
import { markLateHour, moveRollup } from "../testing/hotStoreState.ts";
import { openTestStores, type TestStores } from "../testing/testStores.ts";
import { runReport } from "./report.ts";
import type { ReportQuery } from "./reportQuery.ts";
import { readSeriesAhead } from "./seriesAhead.ts";

const TOPIC = "clicks.raw";
const HOURS = 4;
const END_MS = Math.floor(Date.now() / HOUR_MS) * HOUR_MS;
const FIRST_MS = END_MS - HOURS * HOUR_MS;
const hoursMs = Array.from({ length: HOURS }, (_none, at) => FIRST_MS + at * HOUR_MS);
const scopeOf = (...ids: string[]): TenantScope => ({
  kind: "advertisers",
  ids: ids.map((id) => advertiserIdSchema.parse(id)),
});
const query: ReportQuery = {
  ...{ scope: scopeOf("acme"), mode: "dashboard", fromMs: FIRST_MS, toMs: END_MS + 1 },
  ...{ granularity: "hour", dimensions: [], timeZone: "UTC", filters: {} },
};

let base: TestStores;
let database: ReturnType<typeof openDatabase>;
/** A process that has just started. */
let stores: Stores;
beforeAll(async () => {
  base = await openTestStores();
  database = openDatabase(base.urls.DATABASE_URL, { connectionsMax: 4 });
  await fillAdvertiser(base, { id: "acme", campaigns: ["acme-1", "acme-2"] });
  await fillAdvertiser(base, { id: "usa", campaigns: ["usa-1"], currency: "USD" });
  await base.clickhouse.insert({
    table: "hot_hours",
    format: "JSONEachRow",
    values: hoursMs.flatMap((hourMs) =>
      ["acme-1", "acme-2", "usa-1"].map((campaign_id, at) => ({
        ...{ advertiser_id: campaign_id.slice(0, -2), campaign_id, cube: "ad", partition: 0 },
        ...{ dimension_value: "ad_1", span_start: hourMs / SECOND_MS, clicks: 1 + 3 * at },
        invalid_clicks: 0,
      })),
    ),
  });
});
beforeEach(async () => {
  await base.db.delete(streamDirtyHours);
  await base.db.delete(hotLineHours);
  await moveRollup(base.db, TOPIC, END_MS);
  await writeHotLines(base, hoursMs);
  await addClicks(100);
  stores = { db: database.db, clickhouse: base.clickhouse, memo: new AnswerMemo() };
});
afterAll(async () => {
  await database.close();
  await base.close();
});

/** To every line, so that it shows that the engine was not asked. */
async function addClicks(clicks: number): Promise<void> {
  await base.db.update(hotLines).set({ clicks: sql`${hotLines.clicks} + ${clicks}` });
}

const namedSchema = z.object({ name: z.string() });

async function ask(asked: Partial<ReportQuery> = {}, of = stores) {
  const statements = vi.spyOn(database.pool, "query");
  const { rows } = await runReport(of, { ...query, ...asked });
  const calls: readonly unknown[][] = statements.mock.calls;
  const names = calls.map(([one]) => namedSchema.safeParse(one).data?.name ?? "");
  statements.mockRestore();
  const ofLines = names.filter((name) => name.includes("hot_lines"));
  return { rows, ofLines, clicks: rows.map(({ clicks }) => clicks) };
}

const WAYS: readonly Partial<ReportQuery>[] = [
  { scope: { kind: "all" } },
  { scope: scopeOf("usa") },
  { scope: scopeOf("acme", "usa") },
  { dimensions: ["campaign"] },
  { dimensions: ["advertiser", "campaign"], scope: { kind: "all" } },
  { filters: { campaign: ["acme-2"] } },
  { toMs: END_MS - HOUR_MS },
  { fromMs: FIRST_MS + HOUR_MS, scope: scopeOf("usa") },
];

it("tells a new series by one statement about its lines, and asks none again", async () => {
  const { memo: _, ...forgetful } = stores;
  for (const way of [{}, ...WAYS]) {
    const [first, again, read] = [await ask(way), await ask(way), await ask(way, forgetful)];
    expect({ way, rows: first.rows }).toEqual({ way, rows: read.rows });
    expect(again.rows).toEqual(first.rows);
    const ahead = expect.stringMatching(/^hot_lines_ahead_/);
    expect({ way, first: first.ofLines, again: again.ofLines }).toEqual({
      ...{ way, first: [ahead], again: [] },
    });
  }
  expect((await ask()).clicks).toEqual([105, 105, 105, 105]);
});

it("looks for where the hot store begins where nothing begins with the series", async () => {
  const asked = { scope: scopeOf("nobody") };
  expect((await ask(asked)).ofLines).toEqual([
    expect.stringMatching(/^hot_lines_ahead_/),
    "has_hot_lines_one",
  ]);
  expect((await ask(asked)).rows).toEqual([]);
});

it("reads nothing ahead of what lines do not tell", async () => {
  for (const way of [
    { granularity: "total" },
    { dimensions: ["geo"] },
    { filters: { ad: ["ad_1"] } },
    { fromMs: FIRST_MS + MINUTE_MS },
    { mode: "billing" },
  ] satisfies Partial<ReportQuery>[]) {
    const { ofLines } = await ask(way);
    expect({ way, ahead: ofLines.filter((name) => name.includes("ahead")) }).toEqual({
      ...{ way, ahead: [] },
    });
  }
});

it("tells what was healed since as it is, whatever was read ahead", async () => {
  expect(await readSeriesAhead(stores, query)).toBe(true);
  await markLateHour(base.db, TOPIC, FIRST_MS);
  await addClicks(1_000);
  await base.db.update(streamDirtyHours).set({ healedAt: new Date(Date.now() + HOUR_MS) });
  const { clicks, ofLines } = await ask();
  expect(clicks).toEqual([1_105, 1_105, 1_105, 1_105]);
  expect(ofLines).toContain("hot_lines_one_advertisers_hours_");
});

it("tells as many hours as are rolled up when it is asked", async () => {
  await moveRollup(base.db, TOPIC, END_MS - HOUR_MS);
  await readSeriesAhead(stores, query);
  expect((await ask()).clicks).toEqual([105, 105, 105]);
  await moveRollup(base.db, TOPIC, END_MS);
  expect((await ask()).clicks).toEqual([105, 105, 105, 105]);
});

it("remembers no lines of hours that are to be counted again", async () => {
  await markLateHour(base.db, TOPIC, FIRST_MS + HOUR_MS);
  await readSeriesAhead(stores, query);
  await addClicks(1_000);
  // As of before the mark, which nobody but a test can come back to.
  await base.db.delete(streamDirtyHours);
  expect((await ask()).clicks).toEqual([1_105, 1_105, 1_105, 1_105]);
});

it("leaves to the engine what some hour has no lines of", async () => {
  await base.db.delete(hotLineHours);
  const { clicks, ofLines } = await ask();
  expect(clicks).toEqual([5, 5, 5, 5]);
  expect(ofLines).toEqual([expect.stringMatching(/^hot_lines_ahead_/), expect.anything()]);
});

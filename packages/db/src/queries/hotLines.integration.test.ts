/** Lines tell what the engine would, of whole hours and of whom may be seen, or nothing. */

import { advertiserIdSchema } from "@trueclick/shared/ids";
import { HOUR_MS, SECOND_MS } from "@trueclick/shared/time";
import { eq, sql } from "drizzle-orm";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { hotLineHours, hotLines } from "../postgres/schema/hotLines.ts";
import { runReport } from "../routing/report.ts";
import type { ReportQuery } from "../routing/reportQuery.ts";
import type { TenantScope } from "../tenant.ts";
import { fillAdvertiser, fillHotUsers } from "../testing/fillStores.ts";
import { moveRollup } from "../testing/hotStoreState.ts";
import { openTestStores, type TestStores } from "../testing/testStores.ts";
import { AnswerMemo } from "./answerMemo.ts";
import { type HotLinesAsked, hasHotLines, readHotLines } from "./hotLines.ts";
import { dropHotLines, forgetHotLines, hoursWithoutLines, writeHotLines } from "./writeHotLines.ts";

const HOURS = 4;
const FIRST_MS = Math.floor(Date.now() / HOUR_MS) * HOUR_MS - (HOURS + 1) * HOUR_MS;
const END_MS = FIRST_MS + HOURS * HOUR_MS;
const hoursMs = Array.from({ length: HOURS }, (_none, at) => FIRST_MS + at * HOUR_MS);
const otherId = advertiserIdSchema.parse("other");
const acme = { kind: "advertisers", ids: [advertiserIdSchema.parse("acme")] } as const;
const query: ReportQuery = {
  ...{ scope: acme, mode: "dashboard", fromMs: FIRST_MS, toMs: END_MS, granularity: "hour" },
  ...{ dimensions: [], timeZone: "UTC", filters: {} },
};
const asked: HotLinesAsked = {
  ...{ fromMs: FIRST_MS, toMs: END_MS, bucketsMs: null, byAdvertiser: false, byCampaign: false },
  ...{ campaigns: null, currency: "EUR", rowsMax: 100 },
};

let stores: TestStores;

beforeAll(async () => {
  stores = await openTestStores();
  for (const id of ["acme", "other"]) {
    await fillAdvertiser(stores, { id, campaigns: [`${id}-1`, `${id}-2`] });
  }
  await count(1);
  await moveRollup(stores.db, "clicks.raw", END_MS);
});
beforeEach(async () => {
  await stores.db.delete(hotLineHours);
  await stores.db.delete(hotLines);
});
afterAll(() => stores.close());

/** Counts of all hours, as the rollup writes them. */
async function count(clicks: number): Promise<void> {
  const campaigns = ["acme-1", "acme-2", "other-1"];
  const cells = hoursMs.flatMap((hourMs) =>
    campaigns.map((campaign) => ({ hourMs, campaign, advertiser: campaign.slice(0, -2) })),
  );
  await stores.clickhouse.insert({
    table: "hot_hours",
    format: "JSONEachRow",
    values: cells.map(({ hourMs, campaign, advertiser }) => ({
      ...{ advertiser_id: advertiser, campaign_id: campaign, cube: "ad", dimension_value: "ad_1" },
      ...{ span_start: hourMs / SECOND_MS, partition: 0, clicks, invalid_clicks: 1 },
    })),
  });
  await fillHotUsers(
    stores,
    cells.map(({ hourMs, ...whose }) => {
      return { ...whose, hour: new Date(hourMs).toISOString(), users: [7, clicks] };
    }),
  );
}

const clicksOf = async (of: Partial<ReportQuery> = {}) =>
  (await runReport({ ...stores, memo: new AnswerMemo() }, { ...query, ...of })).rows.map(
    ({ clicks }) => clicks,
  );
const linesOf = (scope: TenantScope = query.scope, of: Partial<HotLinesAsked> = {}) =>
  readHotLines({ db: stores.db }, scope, { ...asked, ...of }, []);

it("are what a report tells, of those who may be seen", async () => {
  await writeHotLines(stores, hoursMs);
  // What the engine does not say, so that it shows who was asked.
  await stores.db.update(hotLines).set({ clicks: sql`${hotLines.clicks} + 100` });
  expect(await clicksOf()).toEqual([102, 102, 102, 102]);
  expect(await clicksOf({ scope: { kind: "all" }, granularity: "total" })).toEqual([812]);
  expect(await clicksOf({ dimensions: ["campaign"], filters: { campaign: ["acme-2"] } })).toEqual([
    ...[101, 101, 101, 101],
  ]);
  expect(await clicksOf({ filters: { campaign: ["other-1"] } })).toEqual([]);
  // Details, and hours that the range cuts, are the engine's.
  expect(await clicksOf({ dimensions: ["ad"], granularity: "total" })).toEqual([8]);
  expect(await clicksOf({ fromMs: FIRST_MS + 1_000, granularity: "total" })).toEqual([6]);
});

// A row of a report is a sum; of one advertiser's hours by hours, each is a single line (decision 167).
it("are added up to what is asked for, however they are read", async () => {
  await writeHotLines(stores, hoursMs);
  const both: TenantScope = { kind: "advertisers", ids: [...acme.ids, otherId] };
  const chosen = { campaigns: ["acme-1", "acme-2", "other-1"] };
  const told = async (scope: TenantScope, of: Partial<HotLinesAsked>) =>
    (await linesOf(scope, of))?.map(({ clicks, uniqueUsers }) => [clicks, uniqueUsers]);
  const hourly = (...line: (number | null)[]) => hoursMs.map(() => line);
  expect(await told(acme, {})).toEqual(hourly(2, 2));
  expect(await told(acme, { ...chosen, byCampaign: true })).toEqual([
    ...hourly(1, 2),
    ...hourly(1, 2),
  ]);
  expect(await told(acme, chosen)).toEqual(hourly(2, null));
  expect(await told(acme, { bucketsMs: [FIRST_MS] })).toEqual([[2 * HOURS, null]]);
  expect(await told(both, {})).toEqual(hourly(3, null));
  expect(await told(both, { byAdvertiser: true })).toEqual(
    expect.arrayContaining([...hourly(2, 2), ...hourly(1, 2)]),
  );
  expect(await told({ kind: "all" }, {})).toEqual(hourly(3, null));
});

it("are left alone where an hour has none, has too many, or could not be read", async () => {
  const [first = 0, second = 0, ...others] = hoursMs;
  await writeHotLines(stores, others);
  expect(await linesOf()).toBeNull();
  await writeHotLines(stores, [first, second]);
  expect(await linesOf()).toHaveLength(HOURS);
  await writeHotLines(stores, [second], 2);
  expect(await linesOf()).toBeNull();
  expect(await clicksOf()).toEqual([2, 2, 2, 2]);
  await writeHotLines(stores, [second]);
  await forgetHotLines(stores, [first]);
  expect(await linesOf()).toBeNull();
});

it("are looked for where there are none, the newest first, from the first hour counted on", async () => {
  const range = { fromMs: FIRST_MS - 10 * HOUR_MS, toMs: END_MS };
  expect(await hoursWithoutLines(stores, range, 3)).toEqual(hoursMs.slice(1).reverse());
  await writeHotLines(stores, hoursMs.slice(1));
  expect(await hoursWithoutLines(stores, range, 3)).toEqual(hoursMs.slice(0, 1));
  await forgetHotLines(stores, hoursMs);
  expect(await hoursWithoutLines(stores, range, 9)).toEqual([]);
  const longAgo = sql`clock_timestamp() - interval '2 minutes'`;
  await stores.db.update(hotLineHours).set({ writtenAt: longAgo });
  expect(await hoursWithoutLines(stores, range, 9)).toEqual(hoursMs.toReversed());
});

it("say that a tenant was counted in an hour, until they are dropped", async () => {
  const nobody = { kind: "advertisers", ids: [advertiserIdSchema.parse("nobody")] } as const;
  await writeHotLines(stores, hoursMs);
  expect(await hasHotLines(stores, acme, FIRST_MS)).toBe(true);
  expect(await hasHotLines(stores, nobody, FIRST_MS)).toBe(false);
  expect(await hasHotLines(stores, acme, FIRST_MS - HOUR_MS)).toBe(false);
  await dropHotLines(stores, FIRST_MS + HOUR_MS);
  expect(await hasHotLines(stores, acme, FIRST_MS)).toBe(false);
  expect(await hasHotLines(stores, acme, FIRST_MS + HOUR_MS)).toBe(true);
  expect(await linesOf()).toBeNull();
});

it("are those of the reading that began last, whoever ends last", async () => {
  await writeHotLines(stores, hoursMs);
  await count(5);
  const [first = 0] = hoursMs;
  const isFirst = eq(hotLineHours.eventHour, new Date(first));
  await stores.db.update(hotLineHours).set({ reading: 1_000n }).where(isFirst);
  await writeHotLines(stores, hoursMs);
  const lines = (await linesOf()) ?? [];
  const byHour = lines.toSorted((one, other) => one.bucket - other.bucket);
  expect(byHour.map(({ clicks, uniqueUsers }) => [clicks, uniqueUsers])).toEqual([
    ...[
      [2, 2],
      [10, 3],
      [10, 3],
      [10, 3],
    ],
  ]);
});

/** Which invalid clicks of the last minutes are robots' is told by their cells, or else by the evidence. */
import { advertiserIdSchema } from "@trueclick/shared/ids";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "@trueclick/shared/time";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { streamDirtyHours } from "../postgres/schema/stream.ts";
import { writeHotLines } from "../queries/writeHotLines.ts";
import { fillStreamRejects } from "../testing/fillEvents.ts";
import { fillAdvertiser, fillHot, type HotFill } from "../testing/fillStores.ts";
import { markLateHour, moveRollup } from "../testing/hotStoreState.ts";
import { openTestStores, type TestStores } from "../testing/testStores.ts";
import { runReport } from "./report.ts";
import type { ReportQuery } from "./reportQuery.ts";

const TOPIC = "clicks.raw";
const ROLLED_MS = Math.floor(Date.now() / HOUR_MS) * HOUR_MS - HOUR_MS;
const LINE_MS = ROLLED_MS - HOUR_MS;
const iso = (ms: number) => new Date(ms).toISOString();
const acme = { kind: "advertisers", ids: [advertiserIdSchema.parse("acme")] } as const;
const query: ReportQuery = {
  ...{ scope: acme, mode: "dashboard", fromMs: LINE_MS, toMs: ROLLED_MS + HOUR_MS },
  ...{ granularity: "hour", dimensions: [], timeZone: "UTC", filters: {} },
};

let stores: TestStores;

beforeAll(async () => {
  stores = await openTestStores();
  for (const id of ["acme", "other"])
    await fillAdvertiser(stores, { id, campaigns: [`${id}-1`, `${id}-2`] });
  await stores.clickhouse.insert({
    table: "hot_hours",
    format: "JSONEachRow",
    values: ["acme", "other"].map((id) => ({
      ...{ advertiser_id: id, campaign_id: `${id}-1`, cube: "ad", dimension_value: "ad_1" },
      ...{ span_start: LINE_MS / SECOND_MS, partition: 0, clicks: 1, invalid_clicks: 0 },
    })),
  });
  await moveRollup(stores.db, TOPIC, ROLLED_MS);
  // Other than the cells say, so that it shows who was asked.
  await fillStreamRejects(stores, "acme", [
    { campaign: "acme-1", offset: 1, at: iso(ROLLED_MS + MINUTE_MS), reason: "bot_user_agent" },
  ]);
});
beforeEach(async () => {
  await stores.clickhouse.command({ query: "TRUNCATE TABLE hot_minutes" });
  await stores.db.delete(streamDirtyHours);
  await writeHotLines(stores, [LINE_MS]);
  await fill(
    { clicks: 5, invalid: 4, givt: 3 },
    { clicks: 2, invalid: 2, givt: 0, partition: 1 },
    { clicks: 1, invalid: 1, givt: 1, campaign: "acme-2", at: iso(ROLLED_MS + 59 * MINUTE_MS) },
    { clicks: 90, invalid: 70, givt: 60, advertiser: "other", campaign: "other-1" },
  );
});
afterAll(() => stores.close());

const CELL = { advertiser: "acme", campaign: "acme-1", at: iso(ROLLED_MS + MINUTE_MS) };
const fill = (...cells: Partial<HotFill>[]) =>
  fillHot(
    stores,
    cells.map((cell) => ({ ...CELL, ...cell })),
  );

/** Gross and net of each row, nothing remembered. */
async function told(of: Partial<ReportQuery> = {}) {
  const { db, clickhouse } = stores;
  const { rows } = await runReport({ db, clickhouse }, { ...query, ...of });
  return rows.map(({ gross_clicks, net_clicks }) => [gross_clicks, net_clicks]);
}

const LINE = [1, 1];
const BY_CELLS = [15, 11];
const BY_EVIDENCE = [15, 14];

it("adds up what cells tell, of whoever may be seen", async () => {
  expect(await told()).toEqual([LINE, BY_CELLS]);
  expect(await told({ granularity: "total" })).toEqual([[16, 12]]);
  expect(await told({ scope: { kind: "all" }, granularity: "total" })).toEqual([[177, 113]]);
  expect(await told({ dimensions: ["campaign"], granularity: "total" })).toEqual([
    [14, 11],
    [2, 1],
  ]);
  expect(await told({ filters: { campaign: ["acme-2"] } })).toEqual([[2, 1]]);
});

// Minutes of before the column are kept for two days beside those of after it.
it("asks the evidence where a cell does not know, and only as long as that is its newest count", async () => {
  await fill({ clicks: 5, invalid: 4, version: 2 });
  expect(await told()).toEqual([LINE, BY_EVIDENCE]);
  await fill({ clicks: 5, invalid: 4, version: 2, givt: 3 });
  expect(await told()).toEqual([LINE, BY_CELLS]);
});

it("asks the evidence where an hour was ever to be counted again, and beside hours", async () => {
  await markLateHour(stores.db, TOPIC, ROLLED_MS);
  expect((await told()).at(-1)).toEqual(BY_EVIDENCE);
  await stores.db.delete(streamDirtyHours);
  await markLateHour(stores.db, TOPIC, LINE_MS);
  expect((await told()).at(-1)).toEqual(BY_EVIDENCE);
});

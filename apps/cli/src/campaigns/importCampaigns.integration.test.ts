import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type OpenDatabase, openDatabase } from "@trueclick/db/postgres/database";
import { advertisers } from "@trueclick/db/postgres/schema/advertisers";
import {
  ads,
  campaigns,
  impressionRequirements,
  rateCards,
} from "@trueclick/db/postgres/schema/campaigns";
import { createMigratedDatabase } from "@trueclick/db/testing/migratedDatabase";
import type { TestDatabase } from "@trueclick/local-stack/testing";
import { asc } from "drizzle-orm";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { applyPlan } from "./applyPlan.ts";
import { CAMPAIGN_COLUMNS, planCampaigns } from "./domain/campaignPlan.ts";
import { readCampaignFile } from "./readCampaignFile.ts";

let test: TestDatabase;
let database: OpenDatabase;
let dir: string;

beforeAll(async () => {
  test = await createMigratedDatabase();
  database = openDatabase(test.url, { connectionsMax: 4 });
  dir = await mkdtemp(join(tmpdir(), "trueclick-import-"));
});
afterAll(async () => {
  await database.close();
  await test.drop();
  await rm(dir, { recursive: true, force: true });
});
afterEach(async () => {
  await database.db.delete(rateCards);
  await database.db.delete(ads);
  await database.db.delete(campaigns);
  await database.db.delete(advertisers);
});

const HEADER = CAMPAIGN_COLUMNS.join(",");
const ROW = "adv-1,Kathmandu Trekking,Asia/Kathmandu,NPR,cmp-1,Annapurna,";

async function importText(name: string, text: string) {
  const file = join(dir, name);
  await writeFile(file, text);
  const { plan, issues } = planCampaigns(await readCampaignFile(file));
  expect(issues).toEqual([]);
  return applyPlan(database.db, plan);
}

const importCsv = (...rows: string[]) => importText("rows.csv", [HEADER, ...rows].join("\n"));

async function stored() {
  const { db } = database;
  return {
    advertisers: await db.select().from(advertisers).orderBy(asc(advertisers.id)),
    campaigns: await db.select().from(campaigns).orderBy(asc(campaigns.id)),
    ads: await db.select().from(ads).orderBy(asc(ads.id)),
    requirements: await db
      .select()
      .from(impressionRequirements)
      .orderBy(asc(impressionRequirements.effectiveFrom)),
    rates: await db.select().from(rateCards).orderBy(asc(rateCards.effectiveFrom)),
  };
}

describe("campaigns import", () => {
  const rows = [
    `${ROW}250000,2026-10-01T00:00:00Z,9000000`,
    `${ROW}310000,2026-11-16T12:00:00+05:45,9000000`,
  ];

  it("writes advertiser, campaign and every rate", async () => {
    expect(await importCsv(...rows)).toMatchObject({ kind: "done", counts: { newRates: 2 } });
    expect(await stored()).toMatchObject({
      advertisers: [{ id: "adv-1", timeZone: "Asia/Kathmandu", currency: "NPR" }],
      campaigns: [{ id: "cmp-1", advertiserId: "adv-1", dailyBudgetMicros: 9_000_000n }],
      rates: [
        { cpcMicros: 250_000n },
        { cpcMicros: 310_000n, effectiveFrom: new Date("2026-11-16T06:15:00Z") },
      ],
    });
  });

  // A script imports every night; the second night must not differ from the first.
  it("changes nothing when it comes again", async () => {
    await importCsv(...rows);
    const first = await stored();
    expect(await importCsv(...rows)).toMatchObject({ kind: "done", counts: { newRates: 0 } });
    expect(await stored()).toEqual(first);
  });

  // A file without the column must not switch off what somebody else has switched on.
  it("asks for impressions from when a file says so, until when one says otherwise", async () => {
    const asks = async () => (await stored()).requirements.map(({ required }) => required);
    const [first = "", second = ""] = rows;
    const withColumn = (row: string, word: string) =>
      importText("asks.csv", `${HEADER},requires_impression\n${row},${word}`);
    await importCsv(...rows);
    expect(await asks()).toEqual([]);
    await withColumn(first, "true");
    expect(await asks()).toEqual([true]);
    await importCsv(...rows);
    expect(await asks()).toEqual([true]);
    await withColumn(second, "false");
    expect(await asks()).toEqual([true, false]);
    // What days were judged by does not change under them: another word has a time of its own.
    expect(await withColumn(first, "false")).toMatchObject({
      kind: "refused",
      issues: [{ column: "requires_impression" }],
    });
  });

  it("is the same from JSON, with ads", async () => {
    const document = {
      advertisers: [
        {
          ...{ id: "adv-1", name: "Kathmandu Trekking", time_zone: "Asia/Kathmandu" },
          currency: "NPR",
          campaigns: [
            {
              ...{ id: "cmp-1", name: "Annapurna", daily_budget_micros: 9_000_000 },
              ads: [{ id: "ad-1", name: "Banner" }],
              rates: [{ cpc_micros: 250_000, effective_from: "2026-10-01T00:00:00Z" }],
            },
          ],
        },
      ],
    };
    await importCsv(rows[0] ?? "");
    expect(await importText("tree.json", JSON.stringify(document))).toMatchObject({
      counts: { newRates: 0, ads: 1 },
    });
    expect((await stored()).ads).toMatchObject([{ campaignId: "cmp-1", id: "ad-1" }]);
  });

  it("takes null in JSON for an empty field, and says where it is wrong", async () => {
    const flat = {
      ...{ advertiser_id: "adv-1", advertiser_name: "One", time_zone: "UTC", currency: "EUR" },
      ...{ campaign_id: "cmp-1", campaign_name: "First", cpc_micros: 250_000 },
      ...{ effective_from: "2026-10-01", daily_budget_micros: null, requires_impression: null },
    };
    expect(await importText("flat.json", JSON.stringify([flat]))).toMatchObject({
      counts: { campaigns: 1, newRates: 1 },
    });
    expect((await stored()).campaigns).toMatchObject([{ dailyBudgetMicros: null }]);
    const wrong = JSON.stringify([flat, { ...flat, currency: ["EUR"] }]);
    await expect(importText("wrong.json", wrong)).rejects.toThrow(/\[1\].*currency/);
  });

  // Whatever days are counted and billed by must not change under them.
  it.each([
    ["time_zone", rows[0]?.replace("Asia/Kathmandu", "Asia/Kolkata")],
    ["currency", rows[0]?.replace("NPR", "EUR")],
    ["cpc_micros", rows[0]?.replace("250000", "1")],
    ["campaign_id", rows[0]?.replace("adv-1", "adv-2")],
  ])("refuses to change %s, and then writes nothing at all", async (column, changed = "") => {
    await importCsv(...rows);
    const before = await stored();
    const other = "adv-9,Other,UTC,EUR,cmp-9,Other,1,2026-01-01T00:00:00Z,";
    const outcome = await importCsv(other, changed);
    expect(outcome).toMatchObject({ kind: "refused", issues: [{ where: "line 3", column }] });
    expect(await stored()).toEqual(before);
  });

  it("lets names and budgets change", async () => {
    await importCsv(...rows);
    await importCsv("adv-1,New,Asia/Kathmandu,NPR,cmp-1,Newer,250000,2026-10-01T00:00:00Z,");
    expect(await stored()).toMatchObject({
      advertisers: [{ name: "New" }],
      campaigns: [{ name: "Newer", dailyBudgetMicros: null }],
      rates: [{ cpcMicros: 250_000n }, { cpcMicros: 310_000n }],
    });
  });

  it("names the line of a row that is cut short", async () => {
    await expect(importCsv(...rows, "adv-1,only")).rejects.toThrow(/line 4/);
  });

  it("refuses a header with a name that it does not know", async () => {
    await expect(importText("bad.csv", `${HEADER},cpc\n`)).rejects.toThrow(/unknown cpc/);
  });
});

import { describe, expect, it } from "vitest";
import { type CampaignRow, planCampaigns } from "./campaignPlan.ts";

const FIELDS: CampaignRow["fields"] = {
  advertiser_id: "adv-1",
  advertiser_name: "One",
  time_zone: "Asia/Kathmandu",
  currency: "NPR",
  campaign_id: "cmp-1",
  campaign_name: "First",
  cpc_micros: "250000",
  effective_from: "2026-11-01T00:00:00+05:45",
  daily_budget_micros: "",
  requires_impression: "",
};

function row(changes: Partial<CampaignRow["fields"]> = {}, line = 2): CampaignRow {
  return { where: `line ${line}`, fields: { ...FIELDS, ...changes }, ads: [] };
}

describe("planCampaigns", () => {
  it("reads a row as it is meant", () => {
    const { plan, issues } = planCampaigns([row()]);
    expect(issues).toEqual([]);
    expect(plan.advertisers.get("adv-1")).toMatchObject({ timeZone: "Asia/Kathmandu" });
    expect(plan.campaigns.get("cmp-1")).toMatchObject({ dailyBudgetMicros: null });
    expect([...plan.rates.values()]).toMatchObject([
      { cpcMicros: 250_000n, effectiveFromMs: Date.parse("2026-10-31T18:15:00Z") },
    ]);
  });

  it("takes several rates of one campaign", () => {
    const next = row({ cpc_micros: "310000", effective_from: "2026-11-16T00:00:00Z" }, 3);
    const { plan, issues } = planCampaigns([row(), next, row({}, 4)]);
    expect(issues).toEqual([]);
    expect(plan.rates.size).toBe(2);
  });

  // Rates change with the billing day, and its row names the zone that the day is of.
  it("takes a day for its start in the advertiser's zone", () => {
    const { plan, issues } = planCampaigns([row({ effective_from: "2026-11-01" })]);
    expect(issues).toEqual([]);
    expect([...plan.rates.values()]).toMatchObject([
      { effectiveFromMs: Date.parse("2026-10-31T18:15:00Z") },
    ]);
  });

  // What is billed must not depend on how a machine reads a number or a time.
  it.each([
    ["cpc_micros", "0.25"],
    ["cpc_micros", "-1"],
    ["cpc_micros", "9223372036854775808"],
    ["cpc_micros", "1e6"],
    ["effective_from", "2026-11-31"],
    ["effective_from", "01.11.2026"],
    ["effective_from", "2026-11-01T00:00:00"],
    ["effective_from", "2026-13-01T00:00:00Z"],
    ["time_zone", "Kathmandu"],
    ["time_zone", "+05:45"],
    ["currency", "Rs."],
    ["currency", "npr"],
    ["advertiser_id", ""],
    ["campaign_id", "x".repeat(65)],
    ["campaign_name", ""],
    ["daily_budget_micros", "lots"],
    ["requires_impression", "yes"],
  ] as const)("refuses a %s of %s, and says where", (column, text) => {
    const { issues } = planCampaigns([row({ [column]: text }, 7)]);
    expect(issues).toMatchObject([{ where: "line 7", column }]);
  });

  it.each([
    ["advertiser_name", "Other"],
    ["time_zone", "Europe/Berlin"],
    ["currency", "EUR"],
    ["campaign_name", "Other"],
    ["daily_budget_micros", "5"],
    ["cpc_micros", "1"],
  ] as const)("refuses two rows that disagree on %s", (column, text) => {
    const { issues } = planCampaigns([row(), row({ [column]: text }, 3)]);
    expect(issues).toMatchObject([{ where: "line 3", column }]);
  });

  it("takes a need of impressions from each row's time on, and one word for one time", () => {
    const from = (requires_impression: string, effective_from: string, line: number) =>
      row({ requires_impression, effective_from }, line);
    const rows = [
      row(),
      from("true", "2026-11-02T00:00:00Z", 3),
      from("false", "2026-11-03T00:00:00Z", 4),
    ];
    const { plan } = planCampaigns(rows);
    expect([...plan.requirements.values()].map(({ required }) => required)).toEqual([true, false]);
    const { issues } = planCampaigns([...rows, from("true", "2026-11-03T00:00:00Z", 5)]);
    expect(issues).toMatchObject([{ where: "line 5", column: "requires_impression" }]);
  });

  it("refuses a campaign of two advertisers", () => {
    const { issues } = planCampaigns([row(), row({ advertiser_id: "adv-2" }, 3)]);
    expect(issues).toMatchObject([{ where: "line 3", column: "advertiser_id" }]);
  });

  it("finds every mistake, not just the first", () => {
    const { issues } = planCampaigns([row({ currency: "x", cpc_micros: "y" }), row({}, 3)]);
    expect(issues.map(({ column }) => column)).toEqual(["currency", "cpc_micros"]);
  });
});

import { advertiserIdSchema, campaignIdSchema } from "@trueclick/shared/ids";
import { eq } from "drizzle-orm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { campaigns } from "../postgres/schema/campaigns.ts";
import type { TenantScope } from "../tenant.ts";
import { fillAdvertiser, fillHot } from "../testing/fillStores.ts";
import { openTestStores, type TestStores } from "../testing/testStores.ts";
import { campaignPacing } from "./pacing.ts";

let stores: TestStores;
beforeAll(async () => {
  stores = await openTestStores();
  await fillAdvertiser(stores, { id: "acme", timeZone: "Asia/Kathmandu", campaigns: ["a1", "a2"] });
  await fillAdvertiser(stores, { id: "other", campaigns: ["o1"] });
  for (const id of ["a1", "o1"]) await setBudget(id, 1_000_000n);
});
afterAll(() => stores.close());

async function setBudget(id: string, dailyBudgetMicros: bigint) {
  const campaignId = campaignIdSchema.parse(id);
  await stores.db.update(campaigns).set({ dailyBudgetMicros }).where(eq(campaigns.id, campaignId));
}

const all: TenantScope = { kind: "all" };
const scopeOf = (...ids: string[]): TenantScope => ({
  kind: "advertisers",
  ids: ids.map((id) => advertiserIdSchema.parse(id)),
});

/** Noon of 30 October in Kathmandu, where the day began at 18:15 of the 29th in UTC. */
const nowMs = Date.parse("2026-10-30T06:15:00Z");
const cell = { advertiser: "acme", campaign: "a1" };

describe("today's spend", () => {
  it("is that of the account's own day, and over budget with the click that makes it so", async () => {
    await fillHot(stores, [
      { ...cell, at: "2026-10-29T18:14:00Z", costMicros: 5_000_000 },
      { ...cell, at: "2026-10-29T18:15:00Z", costMicros: 400_000 },
      { ...cell, at: "2026-10-30T06:15:00Z", costMicros: 600_000 },
    ]);
    const before = await campaignPacing(stores, scopeOf("acme"), {}, nowMs);
    expect(before.rows).toMatchObject([
      {
        ...{ campaignId: "a1", day: "2026-10-30", spentMicros: 1_000_000, budgetMicros: 1_000_000 },
        ...{ elapsedShare: 0.5, projectedMicros: 2_000_000, method: "linear", status: "ahead" },
        overDelivery: false,
      },
    ]);
    const at = "2026-10-30T06:15:00Z";
    await fillHot(stores, [{ ...cell, at, partition: 1, costMicros: 1 }]);
    const after = await campaignPacing(stores, scopeOf("acme"), {}, nowMs);
    expect(after.rows).toMatchObject([{ overDelivery: true, status: "over_delivered" }]);
  });

  it("is projected by the shape of the days before", async () => {
    const days = [24, 25, 26, 27, 28];
    // A third of each day by this time of it, the second part later.
    await fillHot(
      stores,
      days.flatMap((day) => [
        { ...cell, at: `2026-10-${day}T20:00:00Z`, costMicros: 100_000 },
        { ...cell, at: `2026-10-${day + 1}T10:00:00Z`, costMicros: 200_000 },
      ]),
    );
    // 29 October ends with the 5,000,000 of 18:14 in UTC: they are of its day, after this time of it.
    const { rows } = await campaignPacing(stores, scopeOf("acme"), {}, nowMs);
    const share = 500_000 / (1_500_000 + 5_000_000);
    expect(rows).toMatchObject([
      { method: "past_days", projectedMicros: Math.round(1_000_001 / share) },
    ]);
  });

  it("shows campaigns with a budget that run today, of the tenant alone", async () => {
    const ids = async (scope: TenantScope, campaignIds?: string[]) =>
      (await campaignPacing(stores, scope, { campaignIds }, nowMs)).rows.map((r) => r.campaignId);
    expect(await ids(all)).toEqual(["a1", "o1"]);
    expect(await ids(scopeOf("other"))).toEqual(["o1"]);
    expect(await ids(scopeOf("other"), ["a1"])).toEqual([]);
    expect(await ids(scopeOf())).toEqual([]);
    const id = campaignIdSchema.parse("o1");
    const endsAt = new Date("2026-10-29T00:00:00Z");
    await stores.db.update(campaigns).set({ endsAt }).where(eq(campaigns.id, id));
    expect(await ids(all)).toEqual(["a1"]);
  });
});

import { advertiserIdSchema } from "@trueclick/shared/ids";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { TenantScope } from "../tenant.ts";
import { fillAdvertiser, publishTruth } from "../testing/fillStores.ts";
import { openTestStores, type TestStores } from "../testing/testStores.ts";
import { lastCounted } from "./lastCounted.ts";

let stores: TestStores;
beforeAll(async () => {
  stores = await openTestStores();
});
afterAll(() => stores.close());

const ALL: TenantScope = { kind: "all" };
const acme: TenantScope = { kind: "advertisers", ids: [advertiserIdSchema.parse("acme")] };
const day = "2026-10-28";
const cell = (campaign: string, events: number) => ({
  ...{ campaign, hour: `${day}T10:00:00Z`, events },
});

it("is the campaign with the most clicks of what was published last, of a scope", async () => {
  expect(await lastCounted(stores, ALL)).toBeNull();
  await fillAdvertiser(stores, { id: "acme", campaigns: ["a1", "a2"] });
  await fillAdvertiser(stores, { id: "other", campaigns: ["b1"] });
  const of = { advertiser: "acme", day, publishedAt: "2026-10-29T00:00:00Z" };
  await publishTruth(stores, { ...of, cells: [cell("a1", 3), cell("a2", 5)] });
  expect(await lastCounted(stores, ALL)).toEqual({ advertiserId: "acme", campaignId: "a2" });
  await publishTruth(stores, { ...of, advertiser: "other", cells: [cell("b1", 9)] });
  expect(await lastCounted(stores, ALL)).toEqual({ advertiserId: "other", campaignId: "b1" });
  expect(await lastCounted(stores, acme)).toEqual({ advertiserId: "acme", campaignId: "a2" });
  // So many days without a click later, others were counted long ago.
  for (let number = 1; number <= 20; number += 1) {
    const later = `2026-11-${String(number).padStart(2, "0")}`;
    const publishedAt = `${later}T12:00:00Z`;
    await publishTruth(stores, { ...of, day: later, publishedAt, cells: [] });
  }
  expect(await lastCounted(stores, ALL)).toBeNull();
});

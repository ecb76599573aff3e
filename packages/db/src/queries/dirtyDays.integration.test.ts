import { advertiserIdSchema } from "@trueclick/shared/ids";
import { eq } from "drizzle-orm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { batchJobs } from "../postgres/schema/truth.ts";
import type { TenantScope } from "../tenant.ts";
import { fillIndex, fillManifest, pinObjects } from "../testing/fillEvents.ts";
import { fillAdvertiser, publishTruth, writeBuild } from "../testing/fillStores.ts";
import { openTestStores, type TestStores } from "../testing/testStores.ts";
import { truthDirtyDays } from "./dirtyDays.ts";

const NOW_MS = Date.parse("2026-11-03T00:00:00Z");

let stores: TestStores;
beforeAll(async () => {
  stores = await openTestStores();
  await fillAdvertiser(stores, { id: "acme", campaigns: ["a1"] });
  await fillAdvertiser(stores, { id: "ktm", timeZone: "Asia/Kathmandu", campaigns: ["k1"] });
  await fillAdvertiser(stores, { id: "idle", campaigns: ["i1"] });
});
afterAll(() => stores.close());

const acme = advertiserIdSchema.parse("acme");
const all: TenantScope = { kind: "all" };

describe("the days to recount", () => {
  const days = async (id: string) =>
    (await truthDirtyDays(stores, all, { nowMs: NOW_MS }))
      .filter(({ advertiserId }) => advertiserId === id)
      .map(({ billingDay }) => billingDay);
  const morning = { hour: "2026-11-01T10:00:00Z", first: 0, last: 4 };
  const evening = { hour: "2026-11-01T18:00:00Z", first: 0, last: 4 };

  it("are those that the archive has events of and nobody counted, by each one's zone", async () => {
    expect(await days("acme")).toEqual([]);
    await fillManifest(stores, [morning, evening]);
    const index = { at: evening.hour, partition: 0 };
    await fillIndex(stores, [
      { ...index, campaign: "a1", offset: 0 },
      { ...index, campaign: "k1", offset: 1 },
    ]);
    expect(await days("acme")).toEqual(["2026-11-01"]);
    // 18:00 to 19:00 UTC is 23:45 to 00:45 there: two days share the hour.
    expect(await days("ktm")).toEqual(["2026-11-01", "2026-11-02"]);
  });

  it("leave out what was counted from the same objects", async () => {
    const id = await publishTruth(stores, { advertiser: "acme", day: "2026-11-01", cells: [] });
    await pinObjects(stores, id, [morning, evening]);
    expect(await days("acme")).toEqual([]);
  });

  it("take in a counted day again once the archive has more of it", async () => {
    await fillManifest(stores, [{ ...morning, first: 5, last: 7 }]);
    expect(await days("acme")).toEqual(["2026-11-01"]);
  });

  // Objects hold all tenants' events; most recounts find nothing new and publish nothing.
  it("leave out a day whose recount came out as it was", async () => {
    const id = await writeBuild(stores, { advertiser: "acme", day: "2026-11-01", cells: [] });
    await stores.db.update(batchJobs).set({ state: "verified" }).where(eq(batchJobs.id, id));
    await pinObjects(stores, id, [morning, evening, { ...morning, first: 5, last: 7 }]);
    expect(await days("acme")).toEqual([]);
  });

  it("are a tenant's own alone", async () => {
    const scope: TenantScope = { kind: "advertisers", ids: [acme] };
    expect(await truthDirtyDays(stores, scope, { nowMs: NOW_MS })).toEqual([]);
  });

  // The archive holds all advertisers' events: each new one would have every day counted that anybody
  // ever had.
  it("leave out the days of which an advertiser has no event", async () => {
    expect(await days("idle")).toEqual([]);
  });

  it("are not looked for before an instant, if one is given", async () => {
    const sinceMs = Date.parse("2026-11-01T20:00:00Z");
    const late = await truthDirtyDays(stores, all, { nowMs: NOW_MS, sinceMs });
    expect(late).toEqual([]);
  });
});

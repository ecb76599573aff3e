import { advertiserIdSchema } from "@trueclick/shared/ids";
import { and, eq } from "drizzle-orm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { batchJobs } from "../postgres/schema/truth.ts";
import type { TenantScope } from "../tenant.ts";
import { fillManifest, pinObjects } from "../testing/fillEvents.ts";
import { fillAdvertiser, publishTruth, writeBuild } from "../testing/fillStores.ts";
import { openTestStores, type TestStores } from "../testing/testStores.ts";
import { truthDirtyDays } from "./dirtyDays.ts";
import { isFinished, jobProgress, queueJobs } from "./jobs.ts";

let stores: TestStores;
beforeAll(async () => {
  stores = await openTestStores();
  await fillAdvertiser(stores, { id: "acme", campaigns: ["a1"] });
  await fillAdvertiser(stores, { id: "ktm", timeZone: "Asia/Kathmandu", campaigns: ["k1"] });
});
afterAll(() => stores.close());

const acme = advertiserIdSchema.parse("acme");
const all: TenantScope = { kind: "all" };
const asked = { reason: "late events", requestedBy: "test" };
const partition = (billingDay: string) => ({ advertiserId: acme, billingDay });

describe("queueing jobs", () => {
  it("puts one job a partition in the queue, however often it is asked for", async () => {
    const partitions = [partition("2026-10-01"), partition("2026-10-02")];
    const once = await queueJobs(stores, all, { ...asked, partitions });
    expect(once).toMatchObject({ alreadyQueued: 0 });
    const again = await queueJobs(stores, all, {
      ...asked,
      partitions: [...partitions, partition("2026-10-03")],
    });
    expect(again.alreadyQueued).toBe(2);
    expect(again.jobIds).toEqual(expect.arrayContaining([...once.jobIds]));
    const progress = await jobProgress(stores, all, again.jobIds);
    expect(progress.map(({ billingDay, state }) => [billingDay, state])).toEqual([
      ["2026-10-01", "queued"],
      ["2026-10-02", "queued"],
      ["2026-10-03", "queued"],
    ]);
    expect(progress.some(isFinished)).toBe(false);
  });

  // A job that runs already has pinned its inputs, without what was archived since.
  it("queues another job behind one that runs", async () => {
    const running = { ...partition("2026-10-04"), ...asked, requestId: "before" };
    await stores.db.insert(batchJobs).values({ ...running, state: "running" });
    const { jobIds, alreadyQueued } = await queueJobs(stores, all, {
      ...asked,
      partitions: [partition("2026-10-04")],
    });
    expect(alreadyQueued).toBe(0);
    expect(await jobProgress(stores, all, jobIds)).toMatchObject([{ state: "queued" }]);
  });

  // The runner that takes over from a dead one opens a job of its own.
  it("follows a job to the one that took its place", async () => {
    const partitions = [partition("2026-10-05")];
    const { jobIds } = await queueJobs(stores, all, { ...asked, partitions });
    const { db } = stores;
    await db
      .update(batchJobs)
      .set({ state: "cancelled" })
      .where(and(eq(batchJobs.billingDay, "2026-10-05"), eq(batchJobs.advertiserId, acme)));
    const next = { ...partition("2026-10-05"), ...asked, requestId: "same", attempts: 2 };
    await db.insert(batchJobs).values({ ...next, state: "failed", error: "object missing" });
    expect(await jobProgress(stores, all, jobIds)).toMatchObject([
      { state: "failed", attempts: 2, error: "object missing" },
    ]);
  });

  it("refuses a partition outside of the scope", async () => {
    const ktm: TenantScope = { kind: "advertisers", ids: [advertiserIdSchema.parse("ktm")] };
    const partitions = [partition("2026-10-09")];
    await expect(queueJobs(stores, ktm, { ...asked, partitions })).rejects.toThrow(RangeError);
    const { jobIds } = await queueJobs(stores, all, { ...asked, partitions });
    expect(await jobProgress(stores, ktm, jobIds)).toEqual([]);
  });
});

describe("the days to recount", () => {
  const days = async (id: string) =>
    (await truthDirtyDays(stores, all))
      .filter(({ advertiserId }) => advertiserId === id)
      .map(({ billingDay }) => billingDay);
  const morning = { hour: "2026-11-01T10:00:00Z", first: 0, last: 4 };
  const evening = { hour: "2026-11-01T18:00:00Z", first: 0, last: 4 };

  it("are those that the archive has events of and nobody counted, by each one's zone", async () => {
    expect(await days("acme")).toEqual([]);
    await fillManifest(stores, [morning, evening]);
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
    expect(await truthDirtyDays(stores, scope)).toEqual([]);
  });
});

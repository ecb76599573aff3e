import { advertiserIdSchema } from "@trueclick/shared/ids";
import { and, eq } from "drizzle-orm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { batchJobs } from "../postgres/schema/truth.ts";
import type { TenantScope } from "../tenant.ts";
import { fillAdvertiser } from "../testing/fillStores.ts";
import { openTestStores, type TestStores } from "../testing/testStores.ts";
import { cancelJob, isFinished, jobProgress, queueJobs } from "./jobs.ts";

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
    const { jobIds, requestId } = await queueJobs(stores, all, { ...asked, partitions });
    const { db } = stores;
    await db
      .update(batchJobs)
      .set({ state: "cancelled" })
      .where(and(eq(batchJobs.billingDay, "2026-10-05"), eq(batchJobs.advertiserId, acme)));
    const next = { ...partition("2026-10-05"), ...asked, requestId, attempts: 2 };
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

describe("cancelling a job", () => {
  const by = { cancelledBy: "test" };
  const queueOne = async (billingDay: string) => {
    const { jobIds } = await queueJobs(stores, all, {
      ...asked,
      partitions: [partition(billingDay)],
    });
    return jobIds[0] ?? 0;
  };

  it("ends one that waits, and leaves it ended", async () => {
    const jobId = await queueOne("2026-10-11");
    expect(await cancelJob(stores, all, { jobId, ...by })).toEqual({ outcome: "cancelled", jobId });
    expect(await jobProgress(stores, all, [jobId])).toMatchObject([
      { state: "cancelled", error: "cancelled by test" },
    ]);
    expect(await cancelJob(stores, all, { jobId, ...by })).toEqual({
      outcome: "ended",
      state: "cancelled",
    });
  });

  // What the user names is the job that he was told of, not its second attempt.
  it("ends the attempt that has taken its place", async () => {
    const jobId = await queueOne("2026-10-12");
    const { db } = stores;
    const [first] = await db
      .update(batchJobs)
      .set({ state: "cancelled", error: "its runner died" })
      .where(eq(batchJobs.id, jobId))
      .returning();
    if (first === undefined) throw new Error("the job is there");
    const { requestId } = first;
    const attempt = { ...partition("2026-10-12"), ...asked, requestId, attempts: 2 };
    const [second] = await db
      .insert(batchJobs)
      .values({ ...attempt, state: "running" })
      .returning();
    expect(await cancelJob(stores, all, { jobId, ...by })).toEqual({
      outcome: "cancelled",
      jobId: second?.id,
    });
  });

  it("does not touch what was published, nor another tenant's job", async () => {
    const jobId = await queueOne("2026-10-13");
    const ktm: TenantScope = { kind: "advertisers", ids: [advertiserIdSchema.parse("ktm")] };
    expect(await cancelJob(stores, ktm, { jobId, ...by })).toBeNull();
    await stores.db.update(batchJobs).set({ state: "published" }).where(eq(batchJobs.id, jobId));
    expect(await cancelJob(stores, all, { jobId, ...by })).toEqual({
      outcome: "ended",
      state: "published",
    });
  });

  // Somebody who asks for the same day later has a job of his own, which has nothing to do with it.
  it("is not taken for followed by a job of another request", async () => {
    const jobId = await queueOne("2026-10-14");
    await cancelJob(stores, all, { jobId, ...by });
    await queueOne("2026-10-14");
    expect(await jobProgress(stores, all, [jobId])).toMatchObject([{ state: "cancelled" }]);
  });
});

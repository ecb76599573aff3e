import { advertiserIdSchema, campaignIdSchema } from "@trueclick/shared/ids";
import { DAY_MS } from "@trueclick/shared/time";
import { eq } from "drizzle-orm";
import { afterAll, beforeAll, expect, it } from "vitest";
import { verifications } from "../postgres/schema/verifications.ts";
import type { TenantScope } from "../tenant.ts";
import { fillAdvertiser, publishTruth } from "../testing/fillStores.ts";
import { openTestStores, type TestStores } from "../testing/testStores.ts";
import { forgetVerifications } from "./oldVerifications.ts";
import {
  getVerification,
  lastVerification,
  requestVerification,
  type VersionToVerify,
} from "./verifications.ts";

const DAY = "2026-10-28";
const acme = advertiserIdSchema.parse("acme");
const campaignId = campaignIdSchema.parse("a1");
const scopeOf = (id: string): TenantScope => ({
  kind: "advertisers",
  ids: [advertiserIdSchema.parse(id)],
});
const whole = { advertiserId: acme, billingDay: DAY, version: 1, campaignId: null };

let stores: TestStores;
beforeAll(async () => {
  stores = await openTestStores();
  for (const [id, campaign] of [
    ["acme", "a1"],
    ["other", "b1"],
  ] as const) {
    await fillAdvertiser(stores, { id, campaigns: [campaign] });
    const cell = { hour: `${DAY}T10:00:00Z`, events: 3, costMicros: 750_000, users: [1] };
    await publishTruth(stores, { advertiser: id, day: DAY, cells: [{ ...cell, campaign }] });
  }
});
afterAll(() => stores.close());

const request = (asked: VersionToVerify = whole, scope = scopeOf("acme")) =>
  requestVerification(stores, scope, asked, "test");

// It takes as long as a count of the day: whoever clicks twice does not ask for two.
it("is asked for once until it is answered, a line of it by itself", async () => {
  const id = await request();
  expect(await request()).toBe(id);
  const line = await request({ ...whole, campaignId });
  expect(line).not.toBe(id);
  expect(await lastVerification(stores, scopeOf("acme"), whole)).toMatchObject({
    ...{ id, state: "queued", verified: null, requestedBy: "test" },
  });
  await stores.db
    .update(verifications)
    .set({ state: "failed", error: "the engine is gone" })
    .where(eq(verifications.id, Number(id)));
  const next = await request();
  expect(next).not.toBe(id);
  expect(await lastVerification(stores, scopeOf("acme"), whole)).toMatchObject({ id: next });
});

// Somebody who waits is told that nobody counts, and is not asked to ask again: it is begun again.
it("waits again once its worker has died", async () => {
  const id = Number(await request());
  const ofId = eq(verifications.id, id);
  const running = { state: "running", leaseUntil: new Date(Date.now() + 60_000) } as const;
  await stores.db.update(verifications).set(running).where(ofId);
  const told = () => lastVerification(stores, scopeOf("acme"), whole);
  expect(await told()).toMatchObject({ id, state: "running" });
  await stores.db
    .update(verifications)
    .set({ leaseUntil: new Date(0) })
    .where(ofId);
  expect(await told()).toMatchObject({ id, state: "queued" });
  expect(await getVerification(stores, scopeOf("acme"), id)).toMatchObject({ state: "queued" });
  expect(await request()).toBe(id);
});

// I10.
it("is nobody's but the tenant's, and of no version that there is not", async () => {
  expect(await request(whole, scopeOf("other"))).toBeNull();
  expect(await request({ ...whole, version: 2 })).toBeNull();
  const id = Number(await request());
  expect(await getVerification(stores, scopeOf("acme"), id)).toMatchObject({ id });
  expect(await getVerification(stores, scopeOf("other"), id)).toBeNull();
  expect(await lastVerification(stores, scopeOf("other"), whole)).toBeNull();
});

// A version's proof must not be taken from it by time, nor by those that failed after it.
it("keeps the last one and the last answer of each version and line, and others for 90 days", async () => {
  await stores.db.delete(verifications);
  const days = (ago: number) => new Date(Date.now() - ago * DAY_MS);
  const ended = (ago: number, state: "done" | "failed", of: Partial<VersionToVerify> = {}) => {
    return { ...whole, ...of, state, finishedAt: days(ago), requestedBy: `${state} ${ago}` };
  };
  const open = { ...whole, state: "queued", requestedBy: "queued" } as const;
  await stores.db
    .insert(verifications)
    .values([
      ...[ended(400, "done"), ended(300, "done"), ended(89, "done"), ended(88, "failed")],
      ...[ended(200, "done", { campaignId }), ended(199, "failed", { campaignId })],
      ...[ended(198, "failed", { campaignId }), open],
    ]);
  expect(await forgetVerifications(stores)).toBe(3);
  expect(await forgetVerifications(stores)).toBe(0);
  const left = await stores.db
    .select({ by: verifications.requestedBy })
    .from(verifications)
    .orderBy(verifications.id);
  expect(left.map(({ by }) => by)).toEqual([
    ...["done 89", "failed 88", "done 200", "failed 198", "queued"],
  ]);
});

/** Two advertisers with a counted click each, the keys to them, and a way to ask without a server. */
import { createHash } from "node:crypto";
import { apiKeys } from "@trueclick/db/postgres/schema/keys";
import type { Stores } from "@trueclick/db/stores";
import {
  fillCheckpoints,
  fillIndex,
  fillManifest,
  pinObjects,
} from "@trueclick/db/testing/fillEvents";
import { fillAdvertiser, fillHot, publishTruth } from "@trueclick/db/testing/fillStores";
import { openTestStores, type TestStores } from "@trueclick/db/testing/testStores";
import type { Role } from "@trueclick/shared/access";
import { advertiserIdSchema } from "@trueclick/shared/ids";
import type { z } from "zod";
import { answerRequest, type Endpoint } from "../endpoint.ts";
import { KnownCallers } from "../knownCallers.ts";

const NOW_MS = Date.parse("2026-10-30T12:00:00Z");
const HOUR = "2026-10-28T10:00:00Z";

/** The day that has everything, as parameters. */
export const DAY = "from=2026-10-28T00:00:00Z&to=2026-10-29T00:00:00Z";

interface Asked {
  /** Default: an engineer's; null sends none. */
  readonly key?: string | null;
  readonly path?: Readonly<Record<string, string>>;
  /** Who is signed in; nobody by default. */
  readonly user?: string;
}

export interface RestFixture {
  readonly stores: TestStores;
  /** The job that counted acme's day. */
  readonly acmeJob: number;
  /** Asks an endpoint; a fault on our side is thrown instead of answered. */
  ask<Params extends z.ZodObject>(
    endpoint: Endpoint<Params>,
    query: string,
    asked?: Asked,
  ): Promise<Response>;
}

export async function openRestFixture(): Promise<RestFixture> {
  const stores = await openTestStores();
  await fillAdvertiser(stores, { id: "acme", campaigns: ["a1", "a2", "a3"] });
  await fillAdvertiser(stores, { id: "other", campaigns: ["b1"] });
  await fillKeys(stores);
  const acmeJob = await fillCounts(stores);
  const callers = new KnownCallers();
  return {
    stores,
    acmeJob,
    async ask(endpoint, query, { key = "engineer-key", path = {}, user } = {}) {
      const faults: unknown[] = [];
      const headers = new Headers(key === null ? {} : { Authorization: `Bearer ${key}` });
      const asked = { headers, query: new URLSearchParams(query) };
      const response = await answerRequest(endpoint, asked, path, {
        stores,
        callers,
        sessionUser: async () => (user === undefined ? null : { id: user }),
        nowMs: NOW_MS,
        onFault: (error) => faults.push(error),
      });
      if (faults.length > 0) throw new Error("the endpoint failed", { cause: faults[0] });
      return response;
    },
  };
}

async function fillKeys(stores: Stores): Promise<void> {
  await addKey(stores, "engineer-key", "engineer");
  await addKey(stores, "manager-key", "account_manager");
  const advertiserId = advertiserIdSchema.parse("acme");
  await addKey(stores, "acme-key", "advertiser", { advertiserId });
  await addKey(stores, "revoked-key", "engineer", { revokedAt: new Date(NOW_MS - 1) });
  await addKey(stores, "expired-key", "engineer", { expiresAt: new Date(NOW_MS) });
}

async function addKey(
  { db }: Stores,
  key: string,
  role: Role,
  more: Partial<typeof apiKeys.$inferInsert> = {},
): Promise<void> {
  const keySha256 = createHash("sha256").update(key).digest("hex");
  await db.insert(apiKeys).values({ id: key, name: key, keySha256, role, ...more });
}

async function fillCounts(stores: Stores): Promise<number> {
  const cell = { campaign: "a1", hour: HOUR, events: 3, costMicros: 750_000, users: [1, 2] };
  const day = "2026-10-28";
  const acmeJob = await publishTruth(stores, { advertiser: "acme", day, cells: [cell] });
  const otherCell = { ...cell, campaign: "b1" };
  const otherJob = await publishTruth(stores, { advertiser: "other", day, cells: [otherCell] });
  const object = { hour: HOUR, first: 0, last: 3 };
  await fillManifest(stores, [object]);
  await pinObjects(stores, acmeJob, [object]);
  await pinObjects(stores, otherJob, [object]);
  await fillIndex(stores, [
    { id: "event-of-acme", campaign: "a1", at: HOUR, offset: 1 },
    { id: "event-of-other", campaign: "b1", at: HOUR, offset: 2 },
  ]);
  await fillHot(stores, [{ advertiser: "acme", campaign: "a1", at: HOUR, clicks: 3 }]);
  const watermark = "2026-10-30T11:50:00Z";
  const totals = { countedTotal: 7n, duplicateTotal: 2n, invalidTotal: 1n, lateTotal: 0n };
  await fillCheckpoints(stores, { partition: 0, stream: 4, archive: 4, watermark, totals });
  return acmeJob;
}

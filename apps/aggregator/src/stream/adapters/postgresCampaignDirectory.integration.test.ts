import { openDatabase } from "@trueclick/db/postgres/database";
import { campaigns, rateCards } from "@trueclick/db/postgres/schema/campaigns";
import { advertiserIdSchema, campaignIdSchema } from "@trueclick/shared/ids";
import { SECOND_MS } from "@trueclick/shared/time";
import { sql } from "drizzle-orm";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { StoreUnavailableError } from "../ports/faults.ts";
import { openStreamWorld, type StreamWorld } from "../testing/streamWorld.ts";
import { createPostgresCampaignDirectory } from "./postgresCampaignDirectory.ts";

let world: StreamWorld;
beforeEach(async () => {
  world = await openStreamWorld();
});
afterEach(() => world.close());

const PATIENCE = { timeout: 120_000, interval: 20 };

const advertiserId = advertiserIdSchema.parse("adv_1");
const campaignId = campaignIdSchema.parse("cmp_1");
const second = { id: campaignIdSchema.parse("cmp_2"), advertiserId, name: "Second" };

it("gives a campaign with its rates, oldest first, and when each was learned of", async () => {
  const createdAt = new Date(5_000);
  const rates = [30, 20].map((at) => ({ campaignId, effectiveFrom: new Date(at), cpcMicros: 9n }));
  await world.db.insert(rateCards).values(rates.map((rate) => ({ ...rate, createdAt })));

  const snapshot = await createPostgresCampaignDirectory(world.db).snapshotFor(Date.now());
  expect(snapshot.get("cmp_1")).toEqual({
    advertiserId,
    createdAtMs: 0,
    rates: [
      { effectiveFromMs: 0, cpcMicros: 250_000n, createdAtMs: 0 },
      { effectiveFromMs: 20, cpcMicros: 9n, createdAtMs: 5_000 },
      { effectiveFromMs: 30, cpcMicros: 9n, createdAtMs: 5_000 },
    ],
  });
});

it("looks again for a record newer than its last look, and only then", async () => {
  const directory = createPostgresCampaignDirectory(world.db);
  const before = Date.now() - SECOND_MS;
  const first = await directory.snapshotFor(before);
  await world.db.insert(campaigns).values(second);
  expect(await directory.snapshotFor(before)).toBe(first);
  expect([...(await directory.snapshotFor(Date.now() + SECOND_MS)).keys()]).toEqual([
    "cmp_1",
    "cmp_2",
  ]);
});

// An import takes its time. Were its campaigns created "before" a record that was already judged
// without them, a replay of that record would count what was called unknown.
it("waits for campaigns that are being added", async () => {
  const directory = createPostgresCampaignDirectory(world.db);
  const written = Promise.withResolvers<void>();
  const allowed = Promise.withResolvers<void>();
  const importing = world.db.transaction(async (tx) => {
    await tx.insert(campaigns).values(second);
    written.resolve();
    await allowed.promise;
  });
  await written.promise;
  const looking = directory.snapshotFor(Date.now());
  try {
    await vi.waitFor(async () => {
      const { rows } = await world.db.execute(sql`
        select 1 from pg_locks where not granted
        and database = (select oid from pg_database where datname = current_database())`);
      expect(rows).not.toEqual([]);
    }, PATIENCE);
  } finally {
    allowed.resolve();
    await importing;
  }
  expect([...(await looking).keys()]).toEqual(["cmp_1", "cmp_2"]);
});

it("says that it is unavailable when nobody answers, and looks again when asked again", async () => {
  const nobody = openDatabase("postgres://u:p@127.0.0.1:1/none", { connectionsMax: 1 });
  const directory = createPostgresCampaignDirectory(nobody.db);
  for (const attempt of [1, 2]) {
    const look = directory.snapshotFor(attempt);
    await expect(look).rejects.toBeInstanceOf(StoreUnavailableError);
  }
  await nobody.close();
});

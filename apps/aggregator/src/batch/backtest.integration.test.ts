import { NOON_MS, storedEvent } from "@trueclick/archive/testing/storedEvents";
import { backtestBuilds, backtests } from "@trueclick/db/postgres/schema/rules";
import { deadBuilds, sweepDeadBuilds } from "@trueclick/db/queries/deadBuilds";
import { addRuleVersion } from "@trueclick/db/queries/ruleVersions";
import { dayBounds, dayOf } from "@trueclick/shared/calendar";
import { advertiserIdSchema } from "@trueclick/shared/ids";
import { DAY_MS, HOUR_MS, SECOND_MS } from "@trueclick/shared/time";
import { RULE_IDS, rulesInForce, STANDARD_RULES } from "@trueclick/shared/verdict/rules";
import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { createPostgresBacktests } from "./adapters/postgresBacktests.ts";
import { createTrialBuilds } from "./adapters/postgresTrialBuilds.ts";
import { runBacktest, withRule } from "./pipeline/runBacktest.ts";
import { type BatchWorld, openBatchWorld } from "./testing/batchWorld.ts";

const DAY = dayOf(NOON_MS, "UTC");
const { signal } = new AbortController();

let world: BatchWorld;
beforeAll(async () => {
  world = await openBatchWorld();
  await world.addAdvertiser("adv_1", {
    timeZone: "UTC",
    campaigns: [{ id: "cmp_1", rates: [[0, 10n]] }],
  });
  // Two clicks of one person on one ad, 45 seconds apart, and one of another.
  await world.archive.append([
    storedEvent({ event_id: "event-0001", user_id: "u" }),
    storedEvent({ event_id: "event-0002", user_id: "u", event_time: NOON_MS + 45 * SECOND_MS }),
    storedEvent({ event_id: "event-0003", event_time: NOON_MS - HOUR_MS }),
  ]);
  await world.archive.archiveAll();
  await world.recount("adv_1", DAY);
});
afterAll(() => world.close());

async function tried(parameters: { seconds: number }, enabled = true) {
  const { db, clickhouse } = world.archive;
  const store = createPostgresBacktests(db);
  const days = { fromDay: DAY, toDay: DAY, requestedBy: "test" };
  await db.insert(backtests).values({ ruleId: "double_click", parameters, enabled, ...days });
  const backtest = await store.take();
  if (backtest === null) throw new Error("the back-test was not handed out");
  expect(backtest.partitions).toHaveLength(1);
  const lines = await runBacktest(
    { ...world.stores, builds: createTrialBuilds(db, clickhouse), backtests: store },
    backtest,
    signal,
  );
  await store.finish(backtest, lines);
  expect(await store.take()).toBeNull();
  return lines;
}

async function rowsOfBuilds(): Promise<number[]> {
  const result = await world.archive.clickhouse.query({
    query: "SELECT DISTINCT build_id AS build FROM truth_cube ORDER BY build",
    format: "JSONEachRow",
  });
  const row = z.object({ build: z.coerce.number() });
  return z
    .array(row)
    .parse(await result.json())
    .map(({ build }) => build);
}

// A rule that goes live by guess credits the wrong people; one that is tried must move nothing.
it("tells what a rule would credit and to whom, and leaves everything as it was", async () => {
  const before = { truth: await world.current("adv_1", DAY), builds: await rowsOfBuilds() };
  expect(before.truth?.lines).toMatchObject([{ clicks: 3n, costMicros: 30n }]);
  expect(await tried({ seconds: 60 })).toEqual([
    { advertiser: "adv_1", campaign: "cmp_1", currency: "EUR", clicks: -1, costMicros: "-10" },
  ]);
  expect(await tried({ seconds: 44 })).toEqual([]);
  expect(await tried({ seconds: 60 }, false)).toEqual([]);
  expect({ truth: await world.current("adv_1", DAY), builds: await rowsOfBuilds() }).toEqual(
    before,
  );
});

// A rule that came since has no part in what another one would credit on a day that is closed.
it("tries a rule among those that a closed day was judged by", async () => {
  const since = { id: "velocity_publisher", enabled: true, effectiveFromMs: 0 } as const;
  const strict = { parameters: { seconds: 3_600, clicks_max: 1 }, reason: "stricter" };
  await addRuleVersion(world.archive, { ...since, ...strict, createdBy: "test" });
  expect(await tried({ seconds: 44 })).toEqual([]);
  expect(await tried({ seconds: 60 })).toMatchObject([{ campaign: "cmp_1", clicks: -1 }]);
});

// A day's rows of a trial are as large as the day, and nobody reads them.
it("sweeps what a back-test left whose process died, a day later", async () => {
  const { db, clickhouse } = world.archive;
  const before = await rowsOfBuilds();
  const store = createPostgresBacktests(db);
  const builds = createTrialBuilds(db, clickhouse);
  const dying = { ...builds, discard: () => Promise.reject(new Error("died")) };
  const partition = { advertiserId: advertiserIdSchema.parse("adv_1"), billingDay: DAY };
  const trial = {
    ...({
      id: 0,
      attempt: 1,
      ruleId: "double_click",
      enabled: true,
      parameters: { seconds: 60 },
    } as const),
    partitions: [{ ...partition, bounds: dayBounds(DAY, "UTC"), currency: "EUR" }],
  };
  const run = runBacktest({ ...world.stores, builds: dying, backtests: store }, trial, signal);
  await expect(run).rejects.toThrow("died");
  expect(await rowsOfBuilds()).toHaveLength(before.length + 1);
  const stores = { db, clickhouse };
  expect(await sweepDeadBuilds(stores, DAY_MS)).toBe(0);
  await db.update(backtestBuilds).set({ createdAt: new Date(Date.now() - 25 * HOUR_MS) });
  expect(await deadBuilds(stores, DAY_MS)).toMatchObject([{ ...partition, of: "trial" }]);
  expect(await sweepDeadBuilds(stores, DAY_MS)).toBe(1);
  expect(await rowsOfBuilds()).toEqual(before);
  expect(await deadBuilds(stores, DAY_MS)).toEqual([]);
});

it("puts the tried rule where it stands among the others", () => {
  const rules = rulesInForce(STANDARD_RULES, { fromMs: 0, toMs: 1 });
  const velocity = { seconds: 60, clicks_max: 1 };
  const all = withRule(rules, {
    ruleId: "velocity_publisher",
    enabled: true,
    parameters: velocity,
  });
  expect(all.map(({ id }) => id)).toEqual(RULE_IDS);
});

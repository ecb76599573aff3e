import { NOON_MS } from "@trueclick/archive/testing/storedEvents";
import { addDays, dayBounds, dayOf } from "@trueclick/shared/calendar";
import { HOUR_MS } from "@trueclick/shared/time";
import fc from "fast-check";
import { afterEach, expect, it, vi } from "vitest";
import { z } from "zod";
import { type BatchWorld, openBatchWorld } from "./testing/batchWorld.ts";
import { decide } from "./testing/decide.ts";
import { campaignsOf, decisionsOf, ledger, ranks, sentOf } from "./testing/ledger.ts";

const TIME_ZONE = "Asia/Kathmandu";
const DAY = addDays(dayOf(NOON_MS, TIME_ZONE), -2);
/** Their rows lie on different shards, and so do those of their builds. */
const ADVERTISERS = ["adv_1", "adv_2"];

const sample = { seed: 20_261_126, numRuns: ADVERTISERS.length };
const LEDGERS = fc.sample(ledger, sample);
const ORDERS = fc.sample(ranks, sample);

afterEach(() => {
  vi.unstubAllEnvs();
});

/** Counts a day of two advertisers, of the first with half of the events late, and tells all that came of it. */
async function countOn(shards: number, look: (world: BatchWorld) => Promise<void>) {
  vi.stubEnv("TEST_CLICKHOUSE_SHARDS", String(shards));
  const world = await openBatchWorld();
  try {
    const bounds = dayBounds(DAY, TIME_ZONE);
    const append = async (at: number, from: number, to: number) => {
      const run = `run_${at}`;
      const sent = sentOf(LEDGERS[at] ?? [], ORDERS[at] ?? [], run, bounds);
      await world.archive.append(
        sent.slice(from * sent.length, to * sent.length),
        bounds.toMs + 30 * HOUR_MS,
      );
      await world.archive.archiveAll();
    };
    for (const [at, advertiser] of ADVERTISERS.entries()) {
      const run = `run_${at}`;
      const campaigns = campaignsOf(run, bounds);
      await world.addAdvertiser(advertiser, { timeZone: TIME_ZONE, campaigns });
      await decide(world.archive.db, decisionsOf(run, bounds));
      await append(at, 0, at === 0 ? 0.5 : 1);
      await world.recount(advertiser, DAY);
      if (at > 0) continue;
      await append(at, 0.5, 1);
      // Takes over the hours that nothing came for.
      await world.recountChanged(advertiser, DAY);
    }
    const told = await Promise.all(ADVERTISERS.map((advertiser) => tellOf(world, advertiser)));
    await look(world);
    return told;
  } finally {
    await world.close();
  }
}

async function tellOf(world: BatchWorld, advertiser: string) {
  const truth = await world.current(advertiser, DAY);
  if (truth === null) throw new Error(`nothing was counted of ${advertiser}`);
  const { contentHash, lines, cube, rejects, jobId } = truth;
  const [conversions, credits] = [await world.conversions(jobId), await world.credits(jobId)];
  return { contentHash, lines, cube, rejects, conversions, credits };
}

const shardsSchema = z.array(z.object({ shard: z.number(), advertisers: z.array(z.string()) }));

async function shardsOf(world: BatchWorld): Promise<unknown> {
  const answer = await world.archive.clickhouse.query({
    query: `SELECT _shard_num AS shard, groupUniqArray(advertiser_id) AS advertisers
      FROM truth_cube GROUP BY shard ORDER BY shard`,
    format: "JSONEachRow",
  });
  return shardsSchema.parse(await answer.json());
}

// If this fails, a bill depends on how many servers count it.
it("comes to the same bytes on two shards as on one engine", async () => {
  const [one, two] = [
    await countOn(1, async () => {}),
    await countOn(2, async (world) => {
      expect(await shardsOf(world)).toEqual([
        { shard: 1, advertisers: ["adv_1"] },
        { shard: 2, advertisers: ["adv_2"] },
      ]);
    }),
  ];
  expect(
    one.every(({ rejects, conversions }) => rejects.length > 0 && conversions.length > 0),
  ).toBe(true);
  expect(two).toEqual(one);
}, 240_000);

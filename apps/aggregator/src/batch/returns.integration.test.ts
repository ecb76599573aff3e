import { truthLineReturns, truthReturns } from "@trueclick/db/postgres/schema/returns";
import { truthLines } from "@trueclick/db/postgres/schema/truth";
import { addDays } from "@trueclick/shared/calendar";
import { type AdvertiserId, advertiserIdSchema, campaignIdSchema } from "@trueclick/shared/ids";
import { eq } from "drizzle-orm";
import { afterAll, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { composeReturns } from "./composeBatch.ts";
import { countReturnsOf, runReturns } from "./pipeline/runReturns.ts";
import {
  NOW_MS,
  openReturnsWorld,
  type ReturnsWorld,
  type UsersAsked,
} from "./testing/returnsWorld.ts";

const FIRST = "2026-05-20";
const day = (at: number) => addDays(FIRST, at);
const { signal } = new AbortController();
const WAIT = { timeout: 120_000, interval: 50 };

let world: ReturnsWorld;
beforeAll(async () => {
  world = await openReturnsWorld();
});
afterAll(() => world.stores.close());

/** Each test has an account of its own, with campaigns `c1` and `c2` after its name. */
let tests = 0;
let own: AdvertiserId;
beforeEach(async () => {
  own = await addAdvertiser(["c1", "c2"]);
});

async function addAdvertiser(campaigns: readonly string[]): Promise<AdvertiserId> {
  tests += 1;
  const id = advertiserIdSchema.parse(`adv-${tests}`);
  await world.addAdvertiser(
    id,
    campaigns.map((campaign) => `${id}-${campaign}`),
  );
  return id;
}

const count = (advertiserId: AdvertiserId) =>
  countReturnsOf(
    composeReturns(world.stores, () => NOW_MS),
    advertiserId,
    signal,
  );

const usersOf = (advertiserId: AdvertiserId, c1: readonly number[], c2: readonly number[] = []) =>
  new Map([
    [`${advertiserId}-c1`, c1],
    [`${advertiserId}-c2`, c2],
  ]);

/** Six days of a week; people come back after a day, after several, to another campaign, and never. */
async function publishWeek(): Promise<void> {
  for (const at of [0, 1, 2, 4, 5, 6]) {
    await world.publish(
      own,
      day(at),
      usersOf(own, [1, 20 + at, 21 + at], [1, 20 + at, 90 + (at % 2)]),
    );
  }
}

const week = (asked: Partial<UsersAsked> = {}): UsersAsked => ({
  ...{ fromDay: day(0), toDay: day(6), advertiserIds: [own] },
  ...{ by: "campaign", granularity: "total", ...asked },
});

/** Asks, and says how often sets were united for it. */
async function unionsFor(asked: UsersAsked): Promise<number> {
  world.unions();
  expect(await world.told(asked), JSON.stringify(asked)).toEqual(world.expected(asked));
  return world.unions();
}

it("tells users of several days without uniting their sets", async () => {
  await publishWeek();
  expect(await unionsFor(week())).toBe(1);
  expect(await count(own)).toBe(6);
  const asked: Partial<UsersAsked>[] = [
    {},
    { by: null },
    { by: "advertiser" },
    { by: null, campaign: `${own}-c2` },
    { by: null, granularity: "day" },
    { fromDay: day(2) },
    { by: "slice" },
    { by: "slice", granularity: "day" },
    { by: "slice", fromDay: day(1), toDay: day(5), campaign: `${own}-c1` },
    { fromDay: day(3), toDay: day(5), by: null },
  ];
  for (const question of asked) expect(await unionsFor(week(question))).toBe(0);
  // Whose users are whose is nobody's affair but the union's.
  const other = await addAdvertiser(["c1", "c2"]);
  await world.publish(other, day(1), usersOf(other, [1, 21, 500]));
  await count(other);
  const both = { advertiserIds: [own, other] };
  expect(await unionsFor(week({ ...both, by: null }))).toBe(1);
  expect(await unionsFor(week({ ...both, by: "advertiser" }))).toBe(0);
  expect(await count(own)).toBe(0);
});

it("unites sets where a day was compared with other versions, until it is counted again", async () => {
  await publishWeek();
  await count(own);
  const before = world.lastMs();
  await world.publish(own, day(2), usersOf(own, [1, 7, 8, 9]));
  expect(await unionsFor(week())).toBe(1);
  expect(await unionsFor(week({ fromDay: day(4) }))).toBe(0);
  expect(await unionsFor(week({ by: "slice" }))).toBe(1);
  expect(await unionsFor(week({ by: "slice", fromDay: day(4) }))).toBe(0);
  // The changed day, and those after it.
  expect(await count(own)).toBe(4);
  expect(await unionsFor(week({ by: "slice" }))).toBe(0);
  expect(await unionsFor(week())).toBe(0);
  expect(await unionsFor(week({ asOfMs: before }))).toBe(1);
  expect(await unionsFor(week({ asOfMs: before, fromDay: day(4) }))).toBe(0);
});

it("counts a day that is published between others into those after it", async () => {
  await publishWeek();
  await count(own);
  await world.publish(own, day(3), usersOf(own, [1, 50]));
  expect(await unionsFor(week())).toBe(1);
  expect(await count(own)).toBe(4);
  expect(await unionsFor(week())).toBe(0);
});

it("counts users of hours that lie in an earlier build", async () => {
  await world.publish(own, day(0), usersOf(own, [1, 2, 3]));
  const build = await world.publish(own, day(1), usersOf(own, [2, 5]));
  await world.publish(own, day(1), usersOf(own, [2, 5]), build);
  await count(own);
  expect(await unionsFor(week())).toBe(0);
  expect(await unionsFor(week({ by: "slice" }))).toBe(0);
});

it("compares a day with those of a quarter before it, and reports of more unite sets", async () => {
  for (const at of [0, 40, 91, 92, 130, 131]) {
    await world.publish(own, day(at), usersOf(own, [1, at, at + 1], [at, 40]));
  }
  expect(await count(own)).toBe(6);
  expect(await unionsFor(week({ toDay: day(91) }))).toBe(0);
  expect(await unionsFor(week({ fromDay: day(40), toDay: day(131), by: null }))).toBe(0);
  expect(await unionsFor(week({ toDay: day(92) }))).toBe(1);
  expect(await unionsFor(week({ fromDay: day(40), toDay: day(131), by: "slice" }))).toBe(0);
  expect(await unionsFor(week({ fromDay: day(1), toDay: day(92) }))).toBe(0);
  // The last day alone, so that users of the others are left out of the count.
  await world.publish(own, day(131), usersOf(own, [1, 91], [40]));
  expect(await count(own)).toBe(1);
  expect(await unionsFor(week({ fromDay: day(40), toDay: day(131) }))).toBe(0);
});

it("refuses users that are not those of the billed lines, and keeps none of them", async () => {
  await publishWeek();
  const { db } = world.stores;
  await db.update(truthLines).set({ uniqueUsers: 77n }).where(eq(truthLines.advertiserId, own));
  await expect(count(own)).rejects.toThrow(RangeError);
  const kept = await db.select().from(truthReturns).where(eq(truthReturns.advertiserId, own));
  expect(kept).toEqual([]);
});

it("keeps whole days only, and is done by whoever comes next", async () => {
  await publishWeek();
  const { register, engine } = composeReturns(world.stores, () => NOW_MS);
  let replaced = 0;
  const replace: typeof register.replace = async (advertiserId, counted) => {
    replaced += 1;
    if (replaced === 3) {
      // The statement after the day's own fails, as if nobody was there to send it.
      const line = { campaignId: campaignIdSchema.parse(`${own}-c1`), returned: [1] };
      return register.replace(advertiserId, { ...counted, lines: [line, line] });
    }
    return register.replace(advertiserId, counted);
  };
  const dying = { engine, register: { ...register, replace } };
  await expect(countReturnsOf(dying, own, signal)).rejects.toThrow();
  const { db } = world.stores;
  const kept = await db.select().from(truthReturns).where(eq(truthReturns.advertiserId, own));
  expect(kept).toHaveLength(2);
  expect(await unionsFor(week())).toBe(1);
  expect(await count(own)).toBe(4);
  expect(await unionsFor(week())).toBe(0);
  await db.delete(truthReturns).where(eq(truthReturns.advertiserId, own));
  const lines = eq(truthLineReturns.advertiserId, own);
  expect(await db.select().from(truthLineReturns).where(lines)).toEqual([]);
});

it("leaves an account to whom claimed it first, until it is given back", async () => {
  const { register } = composeReturns(world.stores, () => NOW_MS);
  const other = await addAdvertiser([]);
  expect(await register.claim(own)).toBe(true);
  expect(await register.claim(own)).toBe(false);
  expect(await register.claim(other)).toBe(true);
  await register.release(own);
  expect(await register.claim(own)).toBe(true);
});

it("counts what is published while it runs, whatever is wrong with another account", async () => {
  const other = await addAdvertiser(["c1", "c2"]);
  await world.publish(other, day(0), usersOf(other, [1]));
  const { db } = world.stores;
  await db.update(truthLines).set({ uniqueUsers: 77n }).where(eq(truthLines.advertiserId, other));
  await publishWeek();
  const stop = new AbortController();
  const stores = composeReturns(world.stores, () => NOW_MS);
  const logger = { info() {}, warn() {}, error() {} };
  const running = runReturns({ ...stores, intervalMs: 50, logger }, stop.signal);
  const isTold = () => vi.waitFor(async () => expect(await unionsFor(week())).toBe(0), WAIT);
  try {
    await isTold();
    await world.publish(own, day(3), usersOf(own, [1, 50]));
    await isTold();
  } finally {
    stop.abort();
    await running;
  }
});

/** Whatever is published, counted and asked, in an order that follows from `seed`. */
async function askAnything(seed: number): Promise<void> {
  const random = randomOf(seed);
  const below = (bound: number) => Math.floor(random() * bound);
  const oneOf = <Item>(items: readonly [Item, ...Item[]]) => items[below(items.length)] ?? items[0];
  const other = await addAdvertiser(["c1", "c2"]);
  const startMs = world.lastMs();
  const people = Array.from({ length: 12 }, (_none, user) => user + 1);
  const some = () => people.filter(() => random() < 0.4);
  const ask = async () => {
    const [fromDay = FIRST, toDay = FIRST] = [day(below(10)), day(below(10))].sort();
    const advertiserIds = oneOf([[own], [other], [own, other]]);
    const campaign = oneOf([undefined, undefined, `${own}-c1`]);
    const past = random() < 0.5 ? { asOfMs: startMs + below(world.lastMs() - startMs) } : {};
    await unionsFor({
      ...{ fromDay, toDay, advertiserIds, ...past },
      ...(campaign === undefined ? {} : { campaign }),
      by: oneOf(["campaign", "slice", "advertiser", null]),
      granularity: oneOf(["total", "total", "day"]),
    });
  };
  for (let step = 0; step < 16; step += 1) {
    const advertiserId = oneOf([own, own, other]);
    await world.publish(advertiserId, day(below(10)), usersOf(advertiserId, some(), some()));
    if (random() < 0.4) await count(oneOf([own, other]));
    await ask();
  }
  await Promise.all([count(own), count(other)]);
  for (let time = 0; time < 16; time += 1) await ask();
}

it.each([1, 2])("says what all versions say, whatever is published when (seed %i)", askAnything);

/** Numbers from 0 to 1 that follow from a seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d_2b_79_f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

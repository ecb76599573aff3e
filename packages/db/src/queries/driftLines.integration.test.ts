/** What is kept of drift is what would be read now, whatever stream, backfill, batch and watch do, in any order. */

import { advertiserIdSchema, campaignIdSchema } from "@trueclick/shared/ids";
import { DAY_MS, HOUR_MS } from "@trueclick/shared/time";
import { sql } from "drizzle-orm";
import fc from "fast-check";
import { afterAll, afterEach, beforeEach, expect, it } from "vitest";
import { driftHours } from "../postgres/schema/drift.ts";
import type { TenantScope } from "../tenant.ts";
import { DriftWorld, FIRST_MS, HOURS, NOW_MS, PINNED, range } from "../testing/driftWorld.ts";
import { openTestClickHouse } from "../testing/testClickHouse.ts";
import { driftByCampaignHour, readDrift } from "./drift.ts";
import { lookAtDrift } from "./driftWatch.ts";
import { keepDriftLines, type NumberedDrift, readDriftToKeep } from "./keepDriftLines.ts";

const scopeOf = (...ids: string[]): TenantScope => ({
  kind: "advertisers",
  ids: ids.map((id) => advertiserIdSchema.parse(id)),
});
const everyone: TenantScope = { kind: "all" };

let world: DriftWorld;
beforeEach(async () => {
  world = await DriftWorld.open();
});
afterEach(() => world.close());

/** Nothing is remembered but by lines. */
const stores = (clickhouse = world.stores.clickhouse) => ({ db: world.stores.db, clickhouse });
const read = () => readDriftToKeep(stores(), range, NOW_MS);
const look = async () => keepDriftLines(stores(), await read());
const ask = async (scope: TenantScope, campaign?: string, of = range, from = stores()) => {
  const campaignId = campaign === undefined ? undefined : campaignIdSchema.parse(campaign);
  return (await driftByCampaignHour(from, scope, { ...of, campaignId }, NOW_MS)).rows;
};
/** The same of lines alone. */
const askAway = (scope: TenantScope, campaign?: string, of = range) =>
  ask(scope, campaign, of, stores(away));
/** A range that a newcomer does not become known in. */
const later = { fromMs: range.fromMs + 2 * HOUR_MS, toMs: range.toMs };
/** By whom, and of which campaign. */
const QUESTIONS = [
  [scopeOf("acme"), undefined],
  [scopeOf("ktm"), undefined],
  [everyone, "acme-new-0"],
] as const;

async function expectAsRead(step: string, ranges = [range]): Promise<void> {
  for (const of of ranges) {
    const { rows } = await readDrift(stores(), everyone, of, NOW_MS);
    const asked = QUESTIONS.map(async ([scope, campaign]) => {
      const own = rows.filter(({ advertiserId, campaignId }) => {
        if (campaign !== undefined) return campaignId === campaign;
        return scope.kind === "all" || scope.ids.some((id) => id === advertiserId);
      });
      const question = `${campaign ?? JSON.stringify(scope)} after ${step}`;
      expect(await ask(scope, campaign, of), question).toEqual(own);
    });
    await Promise.all(asked);
  }
}

/** A client of an engine that is away. */
const away = openTestClickHouse("http://127.0.0.1:9/away");
afterAll(() => away.close());

it("is told without the engine, to those who may see it", async () => {
  await look();
  const before = await readDrift(stores(), everyone, range, NOW_MS);
  const rowsOf = (campaign: string) => before.rows.filter((row) => row.campaignId === campaign);
  expect(rowsOf("acme-1").length).toBe(HOURS);
  expect(await askAway(everyone, "acme-1")).toEqual(rowsOf("acme-1"));
  expect(await askAway(scopeOf("ktm"))).toEqual(rowsOf("ktm-1"));
  for (const stranger of [scopeOf("ktm"), scopeOf(), scopeOf("x') OR (1=1")]) {
    expect(await ask(stranger, "acme-1")).toEqual([]);
  }
  // Of several or of all, it is read.
  await expect(askAway(everyone)).rejects.toThrow();
  await expect(askAway(scopeOf("acme", "ktm"))).rejects.toThrow();
});

it("is not that of a reading which began before the one that is kept", async () => {
  const early = await read();
  // What nobody marks, though somebody should have.
  await world.count(0);
  await look();
  const rows = await ask(scopeOf("ktm"));
  await keepDriftLines(stores(), early);
  expect(await ask(scopeOf("ktm"))).toEqual(rows);
});

it("is nothing where writing it ended in between", async () => {
  await world.stores.db.delete(driftHours);
  const never = sql`alter table drift_lines add constraint never check (stream < 0) not valid`;
  await world.stores.db.execute(never);
  try {
    await expect(look()).rejects.toThrow();
  } finally {
    await world.stores.db.execute(sql`alter table drift_lines drop constraint never`);
  }
  await expectAsRead("a write that ended in between");
  expect(await world.stores.db.$count(driftHours)).toBe(0);
});

// Whose turn comes hours later: somebody may ask meanwhile why it was counted again.
it("is kept again with the next look at a day that has changed", async () => {
  const atMs = NOW_MS + 6 * DAY_MS;
  const published = () =>
    world.publish({ who: "acme", isFurther: true, takesOver: [], rejects: true });
  await world.late(1, 5);
  await published();
  for (let looks = 0; looks < 6; looks += 1)
    await lookAtDrift(stores(), HOUR_MS, atMs + looks * HOUR_MS);
  const changes = [() => world.heal(1, 5), published];
  for (const [at, change] of changes.entries()) {
    await change();
    await expect(askAway(scopeOf("acme"))).rejects.toThrow();
    await lookAtDrift(stores(), HOUR_MS, atMs + (6 + at) * HOUR_MS);
    expect(await askAway(scopeOf("acme"))).toEqual(await ask(scopeOf("acme")));
  }
});

// The rest has a cause that passes, or none; either must be told as it is now.
it("leaves out what evidence does not name whole", async () => {
  await look();
  await world.count(1);
  await look();
  await expect(askAway(scopeOf("acme"))).rejects.toThrow();
  await expectAsRead("a loss");
  // What lies behind it is told all the same.
  const told = await askAway(scopeOf("acme"), undefined, later);
  expect(told.length).toBeGreaterThan(0);
  expect(told.every(({ unexplained }) => unexplained === 0)).toBe(true);
});

it("is kept once the stream has read all that truth rejects", async () => {
  await world.moveStream(0);
  await world.reject(0, 7);
  await look();
  await expectAsRead("a look while the stream is behind");
  await world.moveStream(2 * PINNED);
  await expectAsRead("it came");
});

// What came of it before it was known names no advertiser.
it("is read for a range in which a campaign becomes known", async () => {
  await world.newcomer(2);
  await world.count(2, "acme-new-0");
  await world.publish({ who: "acme", isFurther: true, takesOver: [], rejects: false });
  await keepDriftLines(stores(), await readDriftToKeep(stores(), later, NOW_MS));
  await expectAsRead("a look at hours behind it", [later, range]);
});

it("is forgotten with the hours that the hot store forgets", async () => {
  await look();
  await lookAtDrift(stores(), HOUR_MS, FIRST_MS + 40 * 24 * HOUR_MS);
  const rest = await world.stores.db.execute(sql`
    select count(*)::int as lines, (select count(*)::int from drift_hours) as hours from drift_lines`);
  expect(rest.rows).toEqual([{ lines: 0, hours: 0 }]);
});

const hour = fc.nat({ max: HOURS - 1 });
const number = fc.nat({ max: 2 * PINNED - 1 });
/** What happens to the stores, in the pipeline's order of writes. */
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ does: fc.constant("look" as const) }) },
  fc.record({ does: fc.constantFrom("reads", "keeps", "keepsAgain") }),
  fc.record({ does: fc.constantFrom("late", "heal"), hour, number }),
  fc.record({
    does: fc.constant("publish" as const),
    who: fc.constantFrom("acme", "ktm"),
    isFurther: fc.boolean(),
    takesOver: fc.subarray([0, 1, 2, 3]),
    rejects: fc.boolean(),
  }),
  fc.record({ does: fc.constant("stream" as const), number }),
  fc.record({ does: fc.constant("roll" as const), hour }),
  fc.record({ does: fc.constant("newcomer" as const), hour }),
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

/** Readings that wait to be kept: whoever made them is slow. */
const waiting: NumberedDrift[] = [];
let last: NumberedDrift | null = null;

async function take(one: Step): Promise<void> {
  switch (one.does) {
    case "look":
      return look();
    case "reads":
      waiting.push(await read());
      return;
    case "keeps":
      last = waiting.shift() ?? null;
      return last === null ? undefined : keepDriftLines(stores(), last);
    case "keepsAgain": {
      const again = await read();
      await keepDriftLines(stores(), again);
      return keepDriftLines(stores(), { ...again, reading: again.reading + 1_000_000n });
    }
    case "late":
      return world.late(one.hour, one.number);
    case "heal":
      return world.heal(one.hour, one.number);
    case "publish":
      return world.publish(one);
    case "stream":
      return world.moveStream(one.number);
    case "roll":
      return world.rollUp(one.hour + 1);
    case "newcomer":
      return world.newcomer(one.hour);
  }
}

const both = (of: { readonly rejects: boolean; readonly takesOver?: number[] }): Step[] =>
  (["acme", "ktm"] as const).map((who) => {
    return { does: "publish", who, isFurther: true, takesOver: [], ...of };
  });
const LOOK = { does: "look" } as const;
/** Groups of steps, behind each of which lines of before are untrue, or such that nobody may believe them. */
const USUAL: Step[][] = [
  [{ does: "late", hour: 0, number: 3 }, ...both({ rejects: true }), LOOK],
  // Of an hour that is marked already.
  [{ does: "late", hour: 0, number: 6 }],
  [
    { does: "heal", hour: 0, number: 3 },
    { does: "heal", hour: 0, number: 6 },
    ...both({ rejects: true }),
    LOOK,
  ],
  // Hours that were counted again, one of them while a slow reader had read it.
  [
    { does: "late", hour: 0, number: 4 },
    { does: "heal", hour: 0, number: 4 },
  ],
  [...both({ rejects: true }), { does: "reads" }],
  [{ does: "late", hour: 1, number: 5 }, { does: "heal", hour: 1, number: 5 }, { does: "keeps" }],
  [...both({ rejects: true }), LOOK, { does: "stream", number: 0 }],
  [{ does: "stream", number: 2 * PINNED }, ...both({ rejects: false, takesOver: [0, 2] })],
  [LOOK, { does: "roll", hour: 1 }],
  [{ does: "keepsAgain" }, { does: "roll", hour: 3 }],
  [{ does: "newcomer", hour: 2 }, ...both({ rejects: true }), LOOK],
];

it("is as if it was read, whatever happens in between", async () => {
  const groups = fc.array(fc.array(step, { minLength: 1, maxLength: 3 }), {
    minLength: 2,
    maxLength: 3,
  });
  const walks = fc.asyncProperty(groups, async (walk) => {
    for (const steps of walk) {
      for (const one of steps) await take(one);
      // To read costs most; what is kept of newcomers is the same in every step.
      const ranges = steps === walk.at(-1) ? [range, later] : [range];
      await expectAsRead(JSON.stringify(steps), ranges);
    }
  });
  await fc.assert(walks, { numRuns: 2, endOnFailure: true, examples: [[USUAL]] });
});

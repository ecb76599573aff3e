import { NOON_MS, storedEvent } from "@trueclick/archive/testing/storedEvents";
import { fraudDecisions, ruleVersions } from "@trueclick/db/postgres/schema/rules";
import { addDays, dayBounds, dayOf } from "@trueclick/shared/calendar";
import type { StoredEvent } from "@trueclick/shared/event/stored";
import { HOUR_MS, SECOND_MS } from "@trueclick/shared/time";
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type BatchWorld, type CampaignSeed, openBatchWorld } from "./testing/batchWorld.ts";
import { bearing, type OracleDecision, oracleTruth } from "./testing/oracle.ts";

let world: BatchWorld;
beforeAll(async () => {
  world = await openBatchWorld();
  // Days long past are counted here, which the index of copies would have forgotten.
  for (const table of ["event_index", "token_uses"]) {
    await world.archive.clickhouse.command({ query: `ALTER TABLE ${table} REMOVE TTL` });
  }
  const audit = { version: 2, enabled: true, reason: "test", createdBy: "test" };
  await world.archive.db.insert(ruleVersions).values([
    {
      ...audit,
      ruleId: "double_click",
      parameters: { seconds: 60 },
      effectiveFrom: new Date(STRICTER_MS),
    },
    {
      ...audit,
      ruleId: "velocity_user",
      parameters: { seconds: 60, clicks_max: CLICKS_PER_MINUTE_MAX },
      effectiveFrom: new Date(0),
    },
  ]);
});
afterAll(() => world.close());

let serial = 0;
/** A name that no other case has used: cases share one archive, as tenants do. */
const fresh = (prefix: string) => {
  serial += 1;
  return `${prefix}_${String(serial).padStart(4, "0")}`;
};

const AGENTS = [
  undefined,
  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36",
  "ELinks (0.4.3; NetBSD 3.0.2_PATCH sparc64; 141x19)",
];

/**
 * Events as they may come: retries, reused ids, replayed tokens, robots, tests, quick clicks, anonymous people; around
 * both ends of the day, the days beside it, and in one minute amid it.
 */
const ledger = fc.array(
  fc.record({
    id: fc.nat({ max: 40 }),
    place: fc.constantFrom("start", "end", "before", "after", "minute" as const),
    seconds: fc.oneof(fc.integer({ min: -70, max: 70 }), fc.integer({ min: -5_000, max: 5_000 })),
    campaign: fc.constantFrom("a", "a", "b", "foreign", "unknown"),
    ad: fc.constantFrom("ad_1", "ad_1", "ad_2"),
    publisher: fc.constantFrom("pub_1", "pub_2", "pub_3"),
    user: fc.constantFrom("u1", "u1", "u2", undefined),
    address: fc.constantFrom("ab", "cd", undefined),
    agent: fc.constantFrom(...AGENTS),
    type: fc.constantFrom("click", "click", "click", "impression" as const),
    flag: fc.constantFrom("token_absent", "token_absent", "bot_user_agent", "prefetch" as const),
    impression: fc.constantFrom(undefined, undefined, "i1", "i2", "i3"),
    test: fc.constantFrom(false, false, false, false, true),
    retries: fc.nat({ max: 2 }),
  }),
  // As many as allowed: with few events, ids and people hardly ever meet again.
  { minLength: 1, maxLength: 90, size: "max" },
);

/** From this instant of event time on, clicks within a minute are double clicks. */
const STRICTER_MS = Date.parse("2026-06-01T12:00:00Z");
/** So few that the ledgers here have people who click more. */
const CLICKS_PER_MINUTE_MAX = 3;
const DAYS = [
  ["America/New_York", "2026-11-01"],
  ["Europe/Berlin", "2026-03-29"],
  ["Australia/Lord_Howe", "2026-04-05"],
  ["Asia/Kathmandu", "2026-03-10"],
  ["UTC", "2026-06-01"],
] as const;

function campaignsOf(run: string, { fromMs, toMs }: { fromMs: number; toMs: number }) {
  const middleMs = fromMs + 12 * HOUR_MS;
  const a: CampaignSeed = {
    id: `a-${run}`,
    rates: [
      [0, 250_000n],
      [middleMs, 300_001n],
    ],
    pauses: [[fromMs + 10 * SECOND_MS, fromMs + 20 * SECOND_MS]],
  };
  const b: CampaignSeed = {
    id: `b-${run}`,
    startsMs: fromMs + 30 * SECOND_MS,
    endsMs: toMs - 30 * SECOND_MS,
    rates: [[middleMs, 7n]],
  };
  return [a, b];
}

async function decide(decisions: readonly OracleDecision[]): Promise<void> {
  const values = decisions.map(({ fields, fromMs, toMs }) => ({
    origin: "manual" as const,
    campaignId: fields.campaign_id ?? null,
    publisherId: fields.publisher_id ?? null,
    userId: fields.user_id ?? null,
    eventId: fields.event_id ?? null,
    fromAt: new Date(fromMs),
    toAt: new Date(toMs),
    reason: "test",
    createdBy: "test",
  }));
  await world.archive.db.insert(fraudDecisions).values(values);
}

// The oracle is what an advertiser would do by hand with the events. If this fails, bills are wrong.
it.each(DAYS)(
  "counts, judges and prices the days around a day in %s as a plain recount of what was sent does",
  async (timeZone, day) => {
    await fc.assert(
      fc.asyncProperty(
        ledger,
        fc.array(fc.nat(), { minLength: 300, maxLength: 300 }),
        // A quiet day is judged at once, a busy one hour by hour: no number may depend on that.
        fc.constantFrom(25, 500_000),
        async (drawn, ranks, sliceRowsMax) => {
          const [advertiser, other, run] = [fresh("adv"), fresh("adv"), fresh("run")];
          const bounds = dayBounds(day, timeZone);
          const campaigns = campaignsOf(run, bounds);
          await world.addAdvertiser(advertiser, { timeZone, campaigns });
          await world.addAdvertiser(other, {
            timeZone,
            campaigns: [{ id: `foreign-${run}`, rates: [] }],
          });
          const always = { fromMs: bounds.fromMs, toMs: bounds.toMs + 48 * HOUR_MS };
          const decisions: OracleDecision[] = [
            { fields: { campaign_id: `a-${run}`, user_id: "u2" }, ...bounds },
            { fields: { publisher_id: "pub_3", campaign_id: `b-${run}` }, ...always },
            { fields: { event_id: `${run}-5` }, ...always },
          ];
          await decide(decisions);

          const places = {
            start: bounds.fromMs,
            end: bounds.toMs,
            before: bounds.fromMs - 5 * HOUR_MS,
            after: bounds.toMs + 5 * HOUR_MS,
            minute: bounds.fromMs + 11 * HOUR_MS + 70 * SECOND_MS,
          };
          const events = drawn.map((one) =>
            storedEvent({
              event_id: `${run}-${one.id}`,
              event_time: places[one.place] + one.seconds * SECOND_MS,
              campaign_id: `${one.campaign}-${run}`,
              ad_id: one.ad,
              publisher_id: one.publisher,
              user_id: one.user,
              ip_hash: one.address,
              user_agent: one.agent,
              event_type: one.type,
              ...bearing(one.impression, one.flag, run),
              test: one.test,
            }),
          );
          const copies = events.flatMap((event, at) =>
            Array<StoredEvent>(1 + (drawn[at]?.retries ?? 0)).fill(event),
          );
          // No two copies are taken at one time, in an order that has nothing to do with the log's.
          const sent = copies.map((event, at) => ({
            ...event,
            ingest_time: NOON_MS + ((ranks[at % 300] ?? 0) % 1_000) * 1_000 + at,
          }));
          const half = Math.ceil(sent.length / 2);
          const stores = { ...world.stores, sliceRowsMax };
          for (const part of [sent.slice(0, half), sent.slice(half)]) {
            if (part.length > 0) await world.archive.append(part, bounds.toMs + 30 * HOUR_MS);
            await world.archive.archiveAll();
            await world.recount(advertiser, day, stores);
          }

          const oracle = {
            sent,
            campaigns,
            decisions,
            notBrowsers: new Set(AGENTS.slice(2).filter((agent) => agent !== undefined)),
            clicksPerMinuteMax: CLICKS_PER_MINUTE_MAX,
            doubleClickSecondsAt: (timeMs: number) => (timeMs >= STRICTER_MS ? 60 : 30),
          };
          for (const near of [addDays(day, -1), day, addDays(day, 1)]) {
            if (near !== day) await world.recount(advertiser, near, stores);
            await compare(advertiser, near, oracleTruth(oracle, dayBounds(near, timeZone)));
          }
        },
      ),
      // Cases share an archive that grows; shrinking would only be slow.
      { numRuns: 2, endOnFailure: true },
    );
  },
  240_000,
);

async function compare(
  advertiser: string,
  day: string,
  expected: ReturnType<typeof oracleTruth>,
): Promise<void> {
  const truth = await world.current(advertiser, day);
  expect(truth?.rejects.map(({ eventId, verdict }) => `${eventId} ${verdict}`).sort()).toEqual(
    expected.rejects,
  );
  expect(
    truth?.lines.map(({ campaignId, clicks, costMicros, uniqueUsers }) => [
      campaignId,
      clicks,
      costMicros,
      Number(uniqueUsers),
    ]),
  ).toEqual(expected.lines);
  expect(truth?.cube.map(({ costMicros }) => costMicros)).toEqual(
    truth?.lines.map(({ costMicros }) => costMicros),
  );
}

const CASES = [
  ["a day of 25 hours", "America/New_York", "2026-11-01", 25 * HOUR_MS],
  ["a day of 23 hours", "Europe/Berlin", "2026-03-29", 23 * HOUR_MS],
  ["a day of 24 and a half hours", "Australia/Lord_Howe", "2026-04-05", 24.5 * HOUR_MS],
  ["a zone of quarter hours", "Asia/Kathmandu", "2026-03-10", 24 * HOUR_MS],
] as const;

// I12. A click in the last minute of a day belongs to that day's bill, wherever the advertiser is.
it.each(CASES)(
  "bills %s from its first millisecond to its last",
  async (_what, timeZone, day, lengthMs) => {
    const [advertiser, campaign] = [fresh("adv"), fresh("cmp")];
    const { fromMs, toMs } = dayBounds(day, timeZone);
    expect(toMs - fromMs).toBe(lengthMs);
    await world.addAdvertiser(advertiser, {
      timeZone,
      campaigns: [{ id: campaign, rates: [[0, 1n]] }],
    });
    const times = [fromMs - 1, fromMs, toMs - 1, toMs];
    await world.archive.append(
      times.map((timeMs) =>
        storedEvent({ event_id: fresh("edge-event"), event_time: timeMs, campaign_id: campaign }),
      ),
      toMs,
    );
    await world.archive.archiveAll();
    await world.recount(advertiser, day);
    expect((await world.current(advertiser, day))?.lines).toMatchObject([
      { clicks: 2n, costMicros: 2n },
    ]);
  },
);

it("prices by the rate in force at the click, to the millisecond of its change", async () => {
  const [advertiser, campaign] = [fresh("adv"), fresh("cmp")];
  const day = dayOf(NOON_MS, "UTC");
  await world.addAdvertiser(advertiser, {
    timeZone: "UTC",
    campaigns: [
      {
        id: campaign,
        rates: [
          [NOON_MS - HOUR_MS, 9_007_199_254_740_993n],
          [NOON_MS, 3n],
        ],
      },
    ],
  });
  const at = [NOON_MS - HOUR_MS - 1, NOON_MS - 1, NOON_MS, NOON_MS + 1];
  await world.archive.append(
    at.map((timeMs) =>
      storedEvent({ event_id: fresh("priced-event"), event_time: timeMs, campaign_id: campaign }),
    ),
  );
  await world.archive.archiveAll();
  await world.recount(advertiser, day);
  // Before the first rate a click is free; past 2^53 a float would lose the last digit.
  expect((await world.current(advertiser, day))?.lines).toMatchObject([
    { clicks: 4n, costMicros: 9_007_199_254_740_999n },
  ]);
});

it("publishes a day without events, so that it can be final", async () => {
  const advertiser = fresh("adv");
  await world.addAdvertiser(advertiser, { timeZone: "UTC", campaigns: [] });
  expect(await world.recount(advertiser, "2026-01-01")).toBe("published");
  expect(await world.current(advertiser, "2026-01-01")).toMatchObject({
    version: 1,
    lines: [],
    costMicros: 0n,
  });
  expect(await world.recount(advertiser, "2026-01-01")).toBe("verified");
});

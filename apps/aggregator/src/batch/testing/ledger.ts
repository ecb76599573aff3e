/** Traffic at random, for tests that compare truth with an oracle. */
import { NOON_MS, storedEvent } from "@trueclick/archive/testing/storedEvents";
import type { InstantRange } from "@trueclick/shared/calendar";
import type { EventFlag, StoredEvent } from "@trueclick/shared/event/stored";
import { HOUR_MS, SECOND_MS } from "@trueclick/shared/time";
import fc from "fast-check";
import type { CampaignSeed } from "./batchWorld.ts";
import type { OracleDecision } from "./oracle.ts";

/** User agents as they may come; the last is of no known browser. */
export const AGENTS = [
  undefined,
  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36",
  "ELinks (0.4.3; NetBSD 3.0.2_PATCH sparc64; 141x19)",
];

/** As likely as all the others together. */
function mostly<const Value>(usual: Value, ...others: readonly Value[]): fc.Arbitrary<Value> {
  return fc.oneof(fc.constant(usual), fc.constantFrom(...others));
}

/** Some come twice, most do not: nothing but what they clicked tells of them. */
const somebody = fc.nat({ max: 30 }).map((number) => `somebody${number}`);

const CLICKS = ["click", "click", "click", "click"] as const;
const GOOD = Array<"token_absent">(8).fill("token_absent");

/**
 * Events as they may come: conversions, retries, reused ids, replayed tokens, robots, tests, quick clicks, anonymous people; around
 * both ends of the day, the days beside it, and in one minute amid it.
 */
const events = fc.array(
  fc.record({
    id: fc.oneof(fc.nat({ max: 40 }), { arbitrary: fc.nat({ max: 9_999 }), weight: 7 }),
    place: mostly("minute", "start", "end", "before", "after"),
    seconds: fc.oneof(...[20, 20, 70, 5_000].map((max) => fc.integer({ min: -max, max }))),
    campaign: fc.constantFrom("a", "a", "b", "c", "c", "c", "c", "foreign", "unknown"),
    ad: mostly("ad_1", "ad_2"),
    publisher: mostly("pub_1", "pub_2", "pub_2", "pub_3", "pub_4"),
    user: fc.oneof(fc.constantFrom("u1", "u1", "u2", undefined), somebody),
    address: fc.constantFrom("ab", "cd", undefined),
    agent: mostly(AGENTS[0], AGENTS[1], AGENTS[1], AGENTS[2]),
    type: fc.constantFrom(...CLICKS, "impression", "impression", "conversion" as const),
    click: fc.constantFrom(undefined, undefined, "c1", "c2"),
    value: fc.integer({ min: -5, max: 50 }),
    flag: fc.constantFrom(...GOOD, "bot_user_agent", "prefetch" as const),
    impression: mostly("i1", "i2", undefined),
    token: mostly(false, false, true),
    test: mostly(false, false, false, false, true),
    retries: mostly(0, 0, 1, 2),
  }),
  // As many: with few events, ids and people hardly ever meet again.
  { minLength: 60, maxLength: 90, size: "max" },
);

/** With few runs, fast-check would draw nearly nothing but the ends of each range. */
export const ledger = fc.noBias(events);

/** The order in which events come: it has nothing to do with the log's. */
export const ranks = fc.array(fc.nat(), { minLength: 300, maxLength: 300 });

type Drawn = typeof ledger extends fc.Arbitrary<infer Events> ? Events : never;

/** What was sent, copies included: no two are taken at one time. */
export function sentOf(
  drawn: Drawn,
  order: readonly number[],
  run: string,
  { fromMs, toMs }: InstantRange,
): StoredEvent[] {
  const places = {
    start: fromMs,
    end: toMs,
    before: fromMs - 5 * HOUR_MS,
    after: toMs + 5 * HOUR_MS,
    minute: fromMs + MINUTE_AMID_MS,
  };
  const copies = drawn.flatMap((one) => {
    const event = storedEvent({
      event_id: `${run}-${one.id}`,
      event_time: places[one.place] + one.seconds * SECOND_MS,
      campaign_id: `${one.campaign}-${run}`,
      ad_id: one.ad,
      publisher_id: `${one.publisher}-${run}`,
      user_id: one.user && `${one.user}-${run}`,
      ip_hash: one.address && `${one.address}${run}`,
      ip_net: one.address && `${one.address}.0/24-${run}`,
      user_agent: one.agent,
      event_type: one.type,
      click_id: one.click && `${one.click}-${run}`,
      ...(one.type === "conversion" ? { conversion_value_micros: one.value } : {}),
      impression_id: one.impression && `${one.impression}-${run}`,
      flags: one.impression !== undefined && one.token ? withToken(one.flag) : [one.flag],
      test: one.test,
    });
    return Array<StoredEvent>(1 + one.retries).fill(event);
  });
  return copies.map((event, at) => {
    const rank = (order[at % order.length] ?? 0) % 1_000;
    return { ...event, ingest_time: NOON_MS + rank * SECOND_MS + at };
  });
}

function withToken(flag: EventFlag): EventFlag[] {
  return flag === "token_absent" ? ["token_ok"] : ["token_ok", flag];
}

/** Where the minute amid a day lies. */
const MINUTE_AMID_MS = 11 * HOUR_MS + 70 * SECOND_MS;

/** Two campaigns that change around and within a day, and one that does not. */
export function campaignsOf(run: string, { fromMs, toMs }: InstantRange): CampaignSeed[] {
  const middleMs = fromMs + 12 * HOUR_MS;
  const a: CampaignSeed = {
    id: `a-${run}`,
    rates: [
      [0, 250_000n],
      [middleMs, 300_001n],
    ],
    pauses: [[fromMs + 10 * SECOND_MS, fromMs + 20 * SECOND_MS]],
    requirements: [
      [fromMs + MINUTE_AMID_MS, true],
      [toMs + 10 * SECOND_MS, false],
    ],
  };
  const b: CampaignSeed = {
    id: `b-${run}`,
    startsMs: fromMs + 30 * SECOND_MS,
    endsMs: toMs - 30 * SECOND_MS,
    rates: [[middleMs, 7n]],
  };
  return [a, b, { id: `c-${run}`, rates: [[0, 3n]] }];
}

/** What people decided on events of these campaigns. */
export function decisionsOf(run: string, { fromMs, toMs }: InstantRange): OracleDecision[] {
  const always = { fromMs, toMs: toMs + 48 * HOUR_MS };
  return [
    { fields: { campaign_id: `a-${run}`, user_id: `u2-${run}` }, fromMs, toMs },
    { fields: { publisher_id: `pub_3-${run}`, campaign_id: `b-${run}` }, ...always },
    { fields: { publisher_id: `pub_4-${run}` }, ...always },
    { fields: { event_id: `${run}-5` }, ...always },
  ];
}

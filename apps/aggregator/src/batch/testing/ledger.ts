/** Traffic at random, for tests that compare truth with an oracle. */
import { HOUR_MS, SECOND_MS } from "@trueclick/shared/time";
import fc from "fast-check";
import type { CampaignSeed } from "./batchWorld.ts";

/** User agents as they may come; the last is of no known browser. */
export const AGENTS = [
  undefined,
  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36",
  "ELinks (0.4.3; NetBSD 3.0.2_PATCH sparc64; 141x19)",
];

/**
 * Events as they may come: conversions, retries, reused ids, replayed tokens, robots, tests, quick clicks, anonymous people; around
 * both ends of the day, the days beside it, and in one minute amid it.
 */
export const ledger = fc.array(
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
    type: fc.constantFrom("click", "click", "click", "impression", "conversion" as const),
    click: fc.constantFrom(undefined, undefined, "c1", "c2"),
    value: fc.integer({ min: -5, max: 50 }),
    flag: fc.constantFrom("token_absent", "token_absent", "bot_user_agent", "prefetch" as const),
    impression: fc.constantFrom(undefined, undefined, "i1", "i2", "i3"),
    test: fc.constantFrom(false, false, false, false, true),
    retries: fc.nat({ max: 2 }),
  }),
  // As many as allowed: with few events, ids and people hardly ever meet again.
  { minLength: 1, maxLength: 90, size: "max" },
);

/** Two campaigns that change around and within a day. */
export function campaignsOf(run: string, { fromMs, toMs }: { fromMs: number; toMs: number }) {
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

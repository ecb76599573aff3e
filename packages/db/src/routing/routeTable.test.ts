import { DAY_MS, HOUR_MS, MINUTE_MS } from "@trueclick/shared/time";
import fc from "fast-check";
import { expect, it } from "vitest";
import { GRANULARITIES } from "./buckets.ts";
import { HOT_COVERAGE_MS, ReportQueryError, type RouteFacts, routeReport } from "./route.ts";

const NOW_MS = Date.parse("2026-06-15T12:34:56Z");

/** Every question that can be asked: of the last minutes, of years, and of anything between. */
const factsArbitrary = fc
  .record({
    mode: fc.constantFrom("dashboard", "billing" as const),
    endsAgoMs: fc.oneof(
      fc.integer({ min: -DAY_MS, max: 2 * DAY_MS }),
      fc.integer({ min: 0, max: 800 * DAY_MS }),
    ),
    lengthMs: fc.oneof(
      fc.integer({ min: 1, max: 2 * HOUR_MS }),
      fc.integer({ min: 1, max: 100 * DAY_MS }),
    ),
    granularity: fc.constantFrom(...GRANULARITIES),
    detailDimensions: fc.integer({ min: 0, max: 4 }),
    rolledAgeMs: fc.option(fc.integer({ min: 0, max: 40 * DAY_MS })),
    hotAgeMs: fc.option(fc.integer({ min: 0, max: 60 * DAY_MS })),
    truthFromMs: fc.integer({ min: NOW_MS - 900 * DAY_MS, max: NOW_MS }),
  })
  .map(({ endsAgoMs, lengthMs, hotAgeMs, rolledAgeMs, truthFromMs, ...asked }): RouteFacts => {
    const toMs = NOW_MS - endsAgoMs;
    const hotFromMs =
      hotAgeMs === null ? null : Math.floor((NOW_MS - hotAgeMs) / MINUTE_MS) * MINUTE_MS;
    return {
      ...asked,
      fromMs: toMs - lengthMs,
      toMs,
      nowMs: NOW_MS,
      hotFromMs,
      rolledThroughMs:
        rolledAgeMs === null ? null : Math.floor((NOW_MS - rolledAgeMs) / HOUR_MS) * HOUR_MS,
      truthBefore: (instantMs) => truthFromMs < instantMs,
    };
  });

function routeOrError(facts: RouteFacts) {
  try {
    return routeReport(facts);
  } catch (error) {
    if (error instanceof ReportQueryError) return error;
    throw error;
  }
}

it("answers every question from stores that hold it, each instant from one of them, and says why", () => {
  fc.assert(
    fc.property(factsArbitrary, (facts) => {
      const route = routeOrError(facts);
      const onlyTruthKnows = facts.mode === "billing" || facts.detailDimensions > 1;
      if (route instanceof ReportQueryError) {
        // Truth is kept by hour: nothing else is ever refused.
        expect(route.parameter).toBe("granularity");
        expect(facts.granularity).toBe("minute");
        return;
      }
      expect(route.reason.length).toBeGreaterThan(10);
      expect(route.store.includes("truth")).toBe(route.truth !== null);
      expect(route.store.includes("hot")).toBe(route.hot !== null);
      if (onlyTruthKnows) expect(route.hot).toBeNull();
      if (facts.granularity === "minute") expect(route.truth).toBeNull();

      // The parts follow one another without a gap and without an instant that counts twice.
      const parts = [route.truth, route.hot].filter((part) => part !== null);
      expect(parts.at(0)?.fromMs).toBe(facts.fromMs);
      expect(parts.at(-1)?.toMs).toBe(facts.toMs);
      for (const { fromMs, toMs } of parts) expect(fromMs).toBeLessThan(toMs);
      if (route.truth !== null && route.hot !== null) {
        expect(route.truth.toMs).toBe(route.hot.fromMs);
        // Truth has whole hours: at any other border an hour's events would be in both.
        expect(route.hot.fromMs % HOUR_MS).toBe(0);
        expect(route.hot.fromMs).toBeGreaterThanOrEqual(NOW_MS - HOT_COVERAGE_MS);
      }
    }),
    { numRuns: 3_000 },
  );
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type PacingFacts, pacingOf } from "./pacingMath.ts";

const HOUR_MS = 3_600_000;
const base: PacingFacts = {
  budgetMicros: 100_000_000,
  spentMicros: 40_000_000,
  elapsedShare: 0.5,
  elapsedMs: 12 * HOUR_MS,
  pastDays: 7,
  pastMicros: 700_000_000,
  pastByNowMicros: 280_000_000,
};

describe("pacingOf", () => {
  it("projects by the shape of the past days where they have one", () => {
    expect(pacingOf(base)).toEqual({
      projectedMicros: 100_000_000,
      method: "past_days",
      status: "on_track",
      overDelivery: false,
    });
  });

  it.each([
    ["too few days", { pastDays: 2 }],
    ["hardly anything by this hour", { pastByNowMicros: 1 }],
    ["nothing at all", { pastMicros: 0, pastByNowMicros: 0 }],
  ])("projects a straight line with %s", (_what, facts) => {
    const paced = pacingOf({ ...base, ...facts });
    expect(paced).toMatchObject({
      projectedMicros: 80_000_000,
      method: "linear",
      status: "behind",
    });
  });

  it("says nothing in the first hour of a day without a past", () => {
    const early = { ...base, pastDays: 0, elapsedMs: HOUR_MS - 1, elapsedShare: 0.04 };
    const none = { projectedMicros: null, method: "none", status: "unknown" };
    expect(pacingOf(early)).toMatchObject({ ...none, overDelivery: false });
  });

  // A budget is a promise: the first micro beyond it is over, whatever the projection says.
  it("flags over-delivery from the first micro above the budget on", () => {
    const at = (spentMicros: number) => pacingOf({ ...base, spentMicros }).overDelivery;
    expect([at(100_000_000), at(100_000_001)]).toEqual([false, true]);
  });

  it("never projects less than is spent", () => {
    const micros = fc.integer({ min: 0, max: 2 ** 40 });
    fc.assert(
      fc.property(
        micros,
        micros,
        micros,
        fc.double({ min: 0, max: 1, noNaN: true }),
        (...given) => {
          const [spentMicros, pastMicros, byNow, elapsedShare] = given;
          const pastByNowMicros = Math.min(byNow, pastMicros);
          const facts = { ...base, spentMicros, pastMicros, pastByNowMicros, elapsedShare };
          const { projectedMicros } = pacingOf(facts);
          expect(projectedMicros ?? spentMicros).toBeGreaterThanOrEqual(spentMicros);
        },
      ),
    );
  });
});

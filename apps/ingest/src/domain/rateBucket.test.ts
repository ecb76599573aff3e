import fc from "fast-check";
import { expect, it } from "vitest";
import { RateBucket } from "./rateBucket.ts";

it("lets a burst through, then the rate, and says when to ask again", () => {
  const bucket = new RateBucket({ perSecond: 100, burst: 200 }, 0);
  expect(bucket.take(200, 0)).toBe(0);
  expect(bucket.take(50, 0)).toBe(500);
  expect(bucket.take(50, 499)).toBeGreaterThan(0);
  expect(bucket.take(50, 500)).toBe(0);
});

it("lets through what is larger than itself, at the same rate in the end", () => {
  const bucket = new RateBucket({ perSecond: 100, burst: 100 }, 0);
  expect(bucket.take(300, 0)).toBe(0);
  expect(bucket.take(1, 0)).toBe(2_010);
  expect(bucket.take(1, 2_010)).toBe(0);
});

it("never lets through more than the rate and one burst, whatever the clock does", () => {
  const asks = fc.array(
    fc.record({ permits: fc.integer({ min: 1, max: 50 }), afterMs: fc.nat(500) }),
  );
  fc.assert(
    fc.property(asks, (taken) => {
      const bucket = new RateBucket({ perSecond: 100, burst: 50 }, 0);
      let nowMs = 0;
      let permits = 0;
      for (const ask of taken) {
        nowMs += ask.afterMs;
        if (bucket.take(ask.permits, nowMs) === 0) permits += ask.permits;
      }
      expect(permits).toBeLessThanOrEqual(50 + nowMs / 10 + 1e-6);
    }),
  );
});

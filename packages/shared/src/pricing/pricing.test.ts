import fc from "fast-check";
import { expect, it } from "vitest";
import { type Rate, rateAt } from "./pricing.ts";

const rates: readonly Rate[] = [
  { effectiveFromMs: 100, cpcMicros: 1n },
  { effectiveFromMs: 200, cpcMicros: 2n },
];

it.each([
  ["nothing is priced before the first rate", 99, null],
  ["a rate holds from its very millisecond", 100, 1n],
  ["until the next one", 199, 1n],
  ["which then holds", 200, 2n],
  ["for good", 9_999, 2n],
])("%s", (_guarantee, instantMs, cpcMicros) => {
  expect(rateAt(rates, instantMs)?.cpcMicros ?? null).toBe(cpcMicros);
});

// A wrong rate is a wrong bill; the search must agree with a plain scan for any history.
it("agrees with a scan from the end", () => {
  const history = fc
    .uniqueArray(fc.nat({ max: 1_000 }), { maxLength: 20 })
    .map((starts) => starts.sort((a, b) => a - b))
    .map((starts) =>
      starts.map((effectiveFromMs, i) => ({ effectiveFromMs, cpcMicros: BigInt(i) })),
    );
  fc.assert(
    fc.property(history, fc.nat({ max: 1_100 }), (cards, instantMs) => {
      const scanned = cards.findLast((card) => card.effectiveFromMs <= instantMs) ?? null;
      expect(rateAt(cards, instantMs)).toEqual(scanned);
    }),
  );
});

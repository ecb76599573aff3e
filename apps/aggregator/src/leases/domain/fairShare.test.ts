import fc from "fast-check";
import { expect, it } from "vitest";
import { fairShare } from "./fairShare.ts";

const members = fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 20 });

it("gives out every partition once, as evenly as can be, in whatever order members are seen", () => {
  fc.assert(
    fc.property(members, fc.integer({ min: 0, max: 100 }), (all, partitions) => {
      const shares = all.map((member) => fairShare(all.toReversed(), member, partitions));
      expect(shares.reduce((sum, share) => sum + share, 0)).toBe(partitions);
      expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1);
    }),
  );
});

it("gives nothing to one that is not seen as alive", () => {
  expect(fairShare(["a", "b"], "c", 12)).toBe(0);
  expect(fairShare([], "c", 12)).toBe(0);
});

import fc from "fast-check";
import { expect, it } from "vitest";
import { planKeyFilter, slotsSql } from "./keyFilter.ts";

/** What the engine makes of a slot's SQL: the few functions that it may use, over 64 bits. */
function slotOf(sql: string, number: bigint): bigint {
  const match = /^(\w+)\((.*), (\d+)\)$/s.exec(sql);
  if (match === null) return number;
  const [, name, inner = "", by = ""] = match;
  const value = slotOf(inner, number);
  if (name === "bitAnd") return value & BigInt(by);
  if (name === "bitOr") return value | BigInt(by);
  if (name === "bitShiftRight") return value >> BigInt(by);
  throw new RangeError(`no function of a slot: ${sql}`);
}

const number64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

it("has a slot of each table for any number, whatever it was planned for", () => {
  fc.assert(
    fc.property(number64, fc.nat(10_000_000), (number, numbers) => {
      const filter = planKeyFilter("filter", numbers);
      const { first, second } = slotsSql(filter, "n");
      const slots = BigInt(filter.slots);
      expect(slotOf(first, number)).toBeLessThan(slots);
      expect(slotOf(second, number)).toBeGreaterThanOrEqual(slots);
      expect(slotOf(second, number)).toBeLessThan(2n * slots);
    }),
  );
});

it("tells both slots by other digits, so that what shares one seldom shares both", () => {
  fc.assert(
    fc.property(number64, fc.nat(1_000_000), (number, numbers) => {
      const { first, second } = slotsSql(planKeyFilter("filter", numbers), "n");
      const bits = BigInt(Math.log2(planKeyFilter("filter", numbers).slots));
      const flipped = number ^ (1n << bits);
      expect(slotOf(first, flipped)).toBe(slotOf(first, number));
      expect(slotOf(second, flipped)).not.toBe(slotOf(second, number));
    }),
  );
});

it("has eight slots for each number, within its bounds", () => {
  fc.assert(
    fc.property(fc.nat(10_000_000), (numbers) => {
      const { slots } = planKeyFilter("filter", numbers);
      expect(Number.isInteger(Math.log2(slots))).toBe(true);
      expect(slots).toBeGreaterThanOrEqual(Math.min(8 * numbers, 8_388_608));
      expect(slots).toBeLessThanOrEqual(Math.max(1_024, 16 * numbers));
    }),
  );
});

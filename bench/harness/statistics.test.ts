import { expect, it } from "vitest";
import { quantile, spreadOf } from "./statistics.ts";

it("quotes the middle and the ends, whatever the order", () => {
  expect(spreadOf([5, 1, 3])).toEqual({ median: 3, min: 1, max: 5 });
  expect(spreadOf([1, 2, 3, 10]).median).toBe(2.5);
});

it("finds a quantile between two values", () => {
  expect(quantile([0, 10], 0.99)).toBeCloseTo(9.9);
  expect(quantile([7], 0.99)).toBe(7);
});

it("refuses to quote nothing", () => {
  expect(() => spreadOf([])).toThrow(RangeError);
});

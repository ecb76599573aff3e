import { expect, it } from "vitest";
import { prepareIdentity } from "./prepareIdentity.ts";

const counts = {
  received: 100n,
  counted: 80n,
  duplicate: 10n,
  invalid: 5n,
  late: 3n,
  inFlight: 2n,
};

it("fills the bar when every event is accounted for", () => {
  const { parts, missing } = prepareIdentity(counts);
  expect(missing).toBe(0n);
  expect(parts.reduce((sum, part) => sum + part.share, 0)).toBeCloseTo(1);
});

it("shows what is lost, and what is counted twice", () => {
  expect(prepareIdentity({ ...counts, counted: 79n }).missing).toBe(1n);
  expect(prepareIdentity({ ...counts, counted: 81n }).missing).toBe(-1n);
});

it("knows no shares of nothing", () => {
  const nothing = { received: 0n, counted: 0n, duplicate: 0n, invalid: 0n, late: 0n, inFlight: 0n };
  expect(prepareIdentity(nothing).parts.every((part) => part.share === 0)).toBe(true);
});

import { expect, it } from "vitest";
import { prepareIdentity } from "./prepareIdentity.ts";

const counts = {
  received: 100n,
  counted: 76n,
  duplicate: 10n,
  invalid: 5n,
  late: 3n,
  quarantined: 4n,
  inFlight: 2n,
};

it("fills the bar when every event is accounted for", () => {
  const { parts, missing } = prepareIdentity(counts);
  expect(missing).toBe(0n);
  expect(parts.reduce((sum, part) => sum + part.share, 0)).toBeCloseTo(1);
});

it("shows what is lost, and what is counted twice", () => {
  expect(prepareIdentity({ ...counts, counted: 75n }).missing).toBe(1n);
  expect(prepareIdentity({ ...counts, counted: 77n }).missing).toBe(-1n);
});

it("knows no shares of nothing", () => {
  const ids = ["received", "counted", "duplicate", "invalid", "late", "quarantined", "inFlight"];
  const nothing = { ...counts, ...Object.fromEntries(ids.map((id) => [id, 0n])) };
  expect(prepareIdentity(nothing).parts.every((part) => part.share === 0)).toBe(true);
});

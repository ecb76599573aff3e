import { VERDICT_CLASS } from "@trueclick/shared/verdict";
import { expect, it } from "vitest";
import { STANDARD_RULES, verdictSql } from "./rules.ts";

it("gives every rule an id of its own, a version, a known verdict and a text for the advertiser", () => {
  const ids = STANDARD_RULES.rules.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const { version, verdict, disclosure } of STANDARD_RULES.rules) {
    expect(version).toBeGreaterThanOrEqual(1);
    expect(VERDICT_CLASS).toHaveProperty(verdict);
    expect(disclosure).not.toBe("");
  }
});

it("lets the first rule win, and an event that meets none be valid", () => {
  const [first, second] = STANDARD_RULES.rules;
  const rules = [first, second].filter((rule) => rule !== undefined);
  expect(verdictSql({ id: "two", version: 1, rules })).toBe(
    "multiIf(NOT is_first AND is_same, 'duplicate', NOT is_first, 'id_conflict', 'valid')",
  );
});

import { expect, it } from "vitest";
import { addMonths, isMonth } from "./months.ts";

it.each([
  ["2026-01", -1, "2025-12"],
  ["2025-12", 1, "2026-01"],
  ["2026-11", -23, "2024-12"],
] as const)("counts from %s by %d months to %s", (month, by, expected) => {
  expect(addMonths(month, by)).toBe(expected);
});

it.each(["2026-13", "2026-00", "2026-1", "26-01", ""])("takes %j for no month", (text) => {
  expect(isMonth(text)).toBe(false);
});

import { describe, expect, it } from "vitest";
import { formatMicros, microsToDecimal, minorUnits } from "./money.ts";

describe("formatMicros", () => {
  it.each([
    ["cents of a euro", 1_234_560_000n, "EUR", "€1,234.56"],
    ["half a cent rounds away from zero", 5_000n, "EUR", "€0.01"],
    ["so does minus half a cent", -5_000n, "EUR", "-€0.01"],
    ["yen have no decimals", 1_499_999n, "JPY", "¥1"],
    ["dinars have three", 1_234_500n, "KWD", "KWD 1.235"],
    [
      "beyond the integers of a float",
      9_007_199_254_740_993_000_000n,
      "USD",
      "$9,007,199,254,740,993.00",
    ],
  ])("writes %s", (_what, micros, currency, text) => {
    expect(formatMicros(micros, currency).replaceAll("\u00a0", " ")).toBe(text);
  });
});

it("writes every micro in a CSV", () => {
  expect(microsToDecimal(250_000n)).toBe("0.250000");
  expect(microsToDecimal(-1n)).toBe("-0.000001");
});

it("knows the decimals of currencies", () => {
  expect(["EUR", "JPY", "KWD"].map(minorUnits)).toEqual([2, 0, 3]);
});

import { expect, it } from "vitest";
import {
  formatAge,
  formatChange,
  formatDay,
  formatDuration,
  formatInstant,
  formatMoney,
} from "./format.ts";

it("writes money in the decimals of its currency", () => {
  expect(formatMoney(32_100_250_000, "EUR")).toBe("€32,100.25");
  expect(formatMoney(1_500_000n, "JPY")).toBe("JP¥2");
});

it("writes an instant in the account's zone, not in the reader's", () => {
  const ms = Date.parse("2026-03-29T01:30:00Z");
  expect(formatInstant(ms, "Europe/Berlin")).toBe("29 Mar, 03:30:00");
  expect(formatInstant(ms, "America/New_York")).toBe("28 Mar, 21:30:00");
});

it("writes a billing day as that day wherever the reader is", () => {
  expect(formatDay("2026-03-02")).toBe("Mon 2 Mar");
});

it.each([
  [400, "0 s"],
  [2_900, "2 s"],
  [61_000, "1 min"],
  [7_200_000, "2 h"],
  [200_000_000, "2 d"],
])("writes %d ms as %s", (ms, text) => {
  expect(formatAge(ms)).toBe(text);
});

it("writes how long something took", () => {
  expect([12.4, 999.4, 21_143].map(formatDuration)).toEqual(["12 ms", "999 ms", "21.1 s"]);
});

it("says which way a change went", () => {
  expect(formatChange(0.042)).toBe("+4.2%");
  expect(formatChange(-0.5)).toBe("-50.0%");
});

import { expect, it } from "vitest";
import { change, clickRate, cpcMicros, invalidRate } from "./measures.ts";

const row = {
  clicks: 80,
  gross_clicks: 100,
  invalid_clicks: 20,
  impressions: 4_000,
  cost_micros: 20_000_000,
};
const nothing = { clicks: 0, gross_clicks: 0, invalid_clicks: 0, impressions: 0, cost_micros: 0 };

it("derives prices and rates from counts", () => {
  expect(cpcMicros(row)).toBe(250_000);
  expect(invalidRate(row)).toBe(0.2);
  expect(clickRate(row)).toBe(0.02);
});

it("knows no rate of nothing", () => {
  expect([cpcMicros(nothing), invalidRate(nothing), clickRate(nothing)]).toEqual([
    null,
    null,
    null,
  ]);
});

it("tells how much something changed, but not from nothing", () => {
  expect(change(120, 100)).toBeCloseTo(0.2);
  expect(change(120, 0)).toBeNull();
  expect(change(null, 100)).toBeNull();
});

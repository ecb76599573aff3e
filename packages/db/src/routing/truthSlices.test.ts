import { DAY_MS } from "@trueclick/shared/time";
import { expect, it } from "vitest";
import { SLICE_COUNTS } from "../queries/sliceCounts.ts";
import { toldByDay } from "./truthSlices.ts";

const days = Array.from({ length: 90 }, (_none, at) => ({
  id: 1_000 + at,
  billingDay: new Date(Date.parse("2026-08-28") + at * DAY_MS).toISOString().slice(0, 10),
  bucket: 7,
  currency: "EUR",
  daysBack: at,
}));

// Rows of years lie in this order; in another, clicks would be told as users.
it("reads counts in the order that they are stored in", () => {
  expect(SLICE_COUNTS.join(" ")).toBe(
    "clicks gross_clicks net_clicks duplicate_clicks impressions conversions unique_users cost_micros attributed_conversions attributed_value_micros",
  );
});

// Ninety numbers four times took the engine a fifth of the statement to take in.
it("names a list of days only for what differs from day to day and follows from no date", () => {
  const total = toldByDay({ days, withUsers: true });
  expect(total.params).toEqual({ bucket: 7, currency: "EUR", since: "2026-08-28" });
  const byDay = days.map((day, at) => ({ ...day, bucket: at, daysBack: 0 }));
  const { params } = toldByDay({ days: byDay, withUsers: true });
  expect(params).toEqual({
    bucket: byDay.map(({ bucket }) => bucket),
    currency: "EUR",
    days_back: 0,
  });
  expect(toldByDay({ days, withUsers: false }).params).toEqual({ bucket: 7, currency: "EUR" });
});

it("takes days that lie otherwise in their rows from a list", () => {
  const gone = days.map((day, at) =>
    at < 3 ? { ...day, currency: "USD" } : { ...day, daysBack: at - 3 },
  );
  const { params } = toldByDay({ days: gone, withUsers: true });
  expect(params).toEqual({
    bucket: 7,
    currency: gone.map(({ currency }) => currency),
    days_back: gone.map(({ daysBack }) => daysBack),
  });
});

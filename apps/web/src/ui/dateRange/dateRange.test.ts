import { HOUR_MS } from "@trueclick/shared/time";
import { expect, it } from "vitest";
import {
  comparableInstants,
  parseRangeChoice,
  previousRange,
  rangeInstants,
  resolveRange,
} from "./dateRange.ts";

it.each([
  ["today", "2026-03-01", "2026-03-01"],
  ["yesterday", "2026-02-28", "2026-02-28"],
  ["7d", "2026-02-23", "2026-03-01"],
  ["30d", "2026-01-31", "2026-03-01"],
  ["month", "2026-03-01", "2026-03-01"],
  ["last-month", "2026-02-01", "2026-02-28"],
  ["2026-01-05..2026-01-09", "2026-01-05", "2026-01-09"],
] as const)("reads %s on 1 March as %s to %s", (choice, first, last) => {
  expect(resolveRange(choice, "2026-03-01")).toEqual({ first, last });
});

it.each(["", "8d", "2026-01-09..2026-01-05", "2026-02-30..2026-03-01", "2026-01-01..2029-01-01"])(
  "takes %j from a URL for no range",
  (text) => {
    expect(parseRangeChoice(text)).toBeNull();
  },
);

it("compares with as many days again", () => {
  expect(previousRange({ first: "2026-03-02", last: "2026-03-08" })).toEqual({
    first: "2026-02-23",
    last: "2026-03-01",
  });
});

it("keeps a day of 23 hours a day of 23 hours", () => {
  const { fromMs, toMs } = rangeInstants(
    { first: "2026-03-29", last: "2026-03-29" },
    "Europe/Berlin",
  );
  expect((toMs - fromMs) / HOUR_MS).toBe(23);
});

it("compares a day that is half over with half the day before", () => {
  const today = { first: "2026-06-02", last: "2026-06-02" };
  const nowMs = Date.parse("2026-06-02T10:00:00Z");
  expect(comparableInstants(today, "Europe/Berlin", nowMs)).toEqual({
    fromMs: Date.parse("2026-05-31T22:00:00Z"),
    toMs: Date.parse("2026-06-01T10:00:00Z"),
  });
});

it("compares a period that is over with all of the one before", () => {
  const range = { first: "2026-06-02", last: "2026-06-03" };
  const nowMs = Date.parse("2026-07-01T00:00:00Z");
  expect(comparableInstants(range, "UTC", nowMs)).toEqual({
    fromMs: Date.parse("2026-05-31T00:00:00Z"),
    toMs: Date.parse("2026-06-02T00:00:00Z"),
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseEventTime } from "./eventTime.ts";

const NOON_MS = Date.UTC(2026, 1, 28, 12);

describe("parseEventTime", () => {
  it.each([
    ["UTC", "2026-02-28T12:00:00Z"],
    ["without seconds", "2026-02-28T12:00Z"],
    ["in lower case, as RFC 3339 allows", "2026-02-28t12:00:00z"],
    ["an offset ahead", "2026-02-28T17:30:00+05:30"],
    ["an offset behind, over a day's end", "2026-02-27T23:00:00-1300"],
    ["finer than a millisecond is cut off", "2026-02-28T12:00:00.000999999Z"],
    ["epoch milliseconds", NOON_MS],
  ])("reads one instant: %s", (_form, value) => {
    expect(parseEventTime(value)).toBe(NOON_MS);
  });

  it("reads tenths as tenths, not as milliseconds", () => {
    expect(parseEventTime("2026-02-28T12:00:00.5Z")).toBe(NOON_MS + 500);
  });

  // Guessing a zone would move clicks between billing days.
  it.each([
    ["no zone", "2026-02-28T12:00:00"],
    ["a date alone", "2026-02-28"],
    ["a day that is not", "2026-02-29T12:00:00Z"],
    ["a leap year's own day in another year", "2025-02-29T12:00:00Z"],
    ["month 13", "2026-13-01T12:00:00Z"],
    ["hour 24", "2026-02-28T24:00:00Z"],
    ["second 60", "2026-02-28T12:00:60Z"],
    ["an offset of 24 hours", "2026-02-28T12:00:00+24:00"],
    ["a two-digit year in disguise", "0026-02-30T12:00:00Z"],
    ["epoch milliseconds as text", String(NOON_MS)],
    ["a fraction of a millisecond", NOON_MS + 0.5],
    ["past what a double counts", 2 ** 53],
    ["an object", { time: NOON_MS }],
    ["nothing", undefined],
  ])("refuses %s", (_form, value) => {
    expect(parseEventTime(value)).toBeNull();
  });

  it("agrees with Date on every instant of the years 100 to 9999", () => {
    fc.assert(
      fc.property(
        fc.date({
          min: new Date("0100-01-01T00:00:00Z"),
          max: new Date("9999-12-31T23:59:59.999Z"),
          noInvalidDate: true,
        }),
        (date) => parseEventTime(date.toISOString()) === date.getTime(),
      ),
    );
  });
});

import { addDays, daysBetween } from "@trueclick/shared/calendar";
import { describe, expect, it } from "vitest";
import {
  CLICKS_COMPARED_MAX,
  DAYS_BACK_MAX,
  planReturns,
  toReturns,
  type VersionedDay,
} from "./returns.ts";

const FIRST = "2026-01-01";

function versioned(at: number, known: Partial<VersionedDay> = {}): VersionedDay {
  const day = addDays(FIRST, at);
  return {
    day,
    version: 1,
    clicks: 10,
    lines: 1,
    buildId: at,
    takenOver: [],
    kept: null,
    ...known,
  };
}

const staleOf = (days: readonly VersionedDay[]) => planReturns(days).flatMap(({ stale }) => stale);

describe("which days are stale", () => {
  const three = [versioned(0), versioned(1, { version: 4 }), versioned(3)];
  const compared = (...versions: number[]) => [
    ...versions,
    ...Array.from({ length: DAYS_BACK_MAX - versions.length }, () => 0),
  ];

  it("compares each with the versions of the days before it, nearest first", () => {
    expect(staleOf(three).map((day) => [day.day, day.compared])).toEqual([
      ["2026-01-04", compared(0, 4, 1)],
      ["2026-01-02", compared(1)],
      ["2026-01-01", compared()],
    ]);
  });

  it.each([
    ["nothing else was published", [], 0],
    ["it has another version", [versioned(3, { version: 2 })], 1],
    ["a day before it has", [versioned(1, { version: 5 })], 2],
    ["a day before it has one for the first time", [versioned(2)], 2],
    ["a day after all has one for the first time", [versioned(4)], 1],
  ])("is stale if %s", (_why, changed, stale) => {
    const counted = new Map(staleOf(three).map((day) => [day.day, day]));
    const days = new Map([...three, ...changed].map((day) => [day.day, day]));
    const known = [...days.values()].map((day) => ({ ...day, kept: counted.get(day.day) ?? null }));
    expect(staleOf(known)).toHaveLength(stale);
  });
});

describe("bounds", () => {
  it("compares with fewer days where they have many clicks, and leaves out a day of too many", () => {
    const clicks = CLICKS_COMPARED_MAX / 4;
    const days = [0, 1, 2, 3, 4, 5].map((at) => versioned(at, { clicks }));
    expect(staleOf(days).at(0)?.compared).toEqual([1, 1, 1]);
    const many = versioned(6, { clicks: CLICKS_COMPARED_MAX + 1 });
    expect(staleOf([...days, many]).map(({ day }) => day)).toEqual(
      staleOf(days).map(({ day }) => day),
    );
    expect(staleOf([many, versioned(7)]).at(0)?.compared).toEqual([]);
  });

  it.each([
    ["few clicks", 10, 1],
    ["many clicks", CLICKS_COMPARED_MAX / 50, 1],
    ["many campaigns", 10, 700],
  ])("counts a year of %s in windows that are bounded, each day once", (_what, clicks, lines) => {
    const days = daysBetween(FIRST, "2026-12-31").map((_day, at) =>
      versioned(at, { clicks, lines }),
    );
    const windows = planReturns(days);
    expect(windows.flatMap(({ stale }) => stale.map(({ day }) => day)).sort()).toEqual(
      days.map(({ day }) => day),
    );
    for (const { firstDay, stale } of windows) {
      const last =
        stale
          .map(({ day }) => day)
          .sort()
          .at(-1) ?? "";
      const span = daysBetween(firstDay, last);
      expect(span.length).toBeLessThanOrEqual(128);
      const counted = span.filter((day) => day >= FIRST).length;
      expect(counted * clicks).toBeLessThanOrEqual(2 * CLICKS_COMPARED_MAX);
      expect(stale.length * lines).toBeLessThanOrEqual(2_000);
      for (const { day, compared } of stale) {
        expect(addDays(day, -compared.length) >= firstDay).toBe(true);
      }
    }
  });
});

it("adds up who was there within so many days", () => {
  const gaps = [
    [0, 5],
    [1, 3],
    [3, 2],
    [9, 1],
  ] as const;
  expect(toReturns(gaps, 4)).toEqual({ uniqueUsers: 11, returned: [3, 3, 5, 5] });
  expect(toReturns([], 2)).toEqual({ uniqueUsers: 0, returned: [0, 0] });
});

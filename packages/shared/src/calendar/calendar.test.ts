import { existsSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { Temporal } from "temporal-polyfill";
import { describe, expect, it } from "vitest";
import {
  addDays,
  dayBounds,
  dayOf,
  daysBetween,
  hoursTouched,
  isTimeZone,
  monthDays,
  parseDay,
} from "./calendar.ts";

const HOUR_MS = 3_600_000;
const hours = (day: string, zone: string) => {
  const { fromMs, toMs } = dayBounds(day, zone);
  return (toMs - fromMs) / HOUR_MS;
};

describe("dayBounds", () => {
  it.each([
    ["an ordinary day has 24 hours", "2026-11-23", "Europe/Berlin", 24],
    ["a day loses an hour in spring", "2026-03-29", "Europe/Berlin", 23],
    ["a day gains an hour in autumn", "2026-10-25", "Europe/Berlin", 25],
    ["Lord Howe Island moves by half an hour", "2026-04-05", "Australia/Lord_Howe", 24.5],
    ["Samoa skipped a day", "2011-12-30", "Pacific/Apia", 0],
  ])("%s", (_guarantee, day, zone, length) => {
    expect(hours(day, zone)).toBe(length);
  });

  it("starts a day at midnight of a zone 45 minutes off", () => {
    expect(new Date(dayBounds("2026-11-23", "Asia/Kathmandu").fromMs).toISOString()).toBe(
      "2026-11-22T18:15:00.000Z",
    );
  });

  it.each(["2026-02-30", "2026-13-01", "yesterday"])("refuses %s", (day) => {
    expect(() => dayBounds(day, "UTC")).toThrow(RangeError);
    expect(() => parseDay(day)).toThrow(RangeError);
  });
});

// Bounds are remembered, some thousands of them: neither the second answer nor the one after all were
// forgotten may be another.
it("says the same of a day whenever it is asked, day after day and in every zone", () => {
  const day = "2026-10-25";
  const first = [dayBounds(day, "Europe/Berlin"), dayBounds(day, "America/Havana")];
  expect(first[0]).not.toEqual(first[1]);
  let startMs = dayBounds("2015-01-01", "Europe/Berlin").fromMs;
  for (const next of daysBetween("2015-01-01", "2026-12-31")) {
    const { fromMs, toMs } = dayBounds(next, "Europe/Berlin");
    expect(fromMs).toBe(startMs);
    startMs = toMs;
  }
  expect([dayBounds(day, "Europe/Berlin"), dayBounds(day, "America/Havana")]).toEqual(first);
});

it("puts each instant into one day: the end of a day is the start of the next", () => {
  const { fromMs, toMs } = dayBounds("2026-10-25", "Europe/Berlin");
  expect(dayOf(fromMs, "Europe/Berlin")).toBe("2026-10-25");
  expect(dayOf(toMs - 1, "Europe/Berlin")).toBe("2026-10-25");
  expect(dayOf(toMs, "Europe/Berlin")).toBe("2026-10-26");
});

// Another way to say it: by the clock. Where midnight comes twice, the date begins at its second coming.
function dayByClock(instantMs: number, zone: string): string {
  const dateAt = (ms: number) =>
    Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(zone).toPlainDate();
  const date = dateAt(instantMs);
  const later = date.toPlainDateTime().toZonedDateTime(zone, { disambiguation: "later" });
  const turnsHere = Temporal.PlainDate.compare(dateAt(later.epochMilliseconds - 1), date) < 0;
  const startMs = (turnsHere ? later : later.startOfDay()).epochMilliseconds;
  return (startMs <= instantMs ? date : date.subtract({ days: 1 })).toString();
}

it("finds the day of any instant in any zone, to the millisecond", () => {
  const zones = [...Intl.supportedValuesOf("timeZone"), "America/St_Johns", "Pacific/Apia"];
  const instant = fc.integer({ min: Date.parse("1900-01-01"), max: Date.parse("2100-01-01") });
  const near = fc.constantFrom("2010-11-07", "2011-12-30", "2026-03-29", "2026-10-25");
  fc.assert(
    fc.property(fc.constantFrom(...zones), instant, near, (zone, ms, day) => {
      const { fromMs, toMs } = dayBounds(day, zone);
      for (const at of [ms, fromMs - 1, fromMs, toMs - 1, toMs]) {
        expect(dayOf(at, zone)).toBe(dayByClock(at, zone));
      }
    }),
  );
  expect(() => dayOf(0, "Mars/Olympus")).toThrow(RangeError);
  expect(() => dayOf(Number.NaN, "UTC")).toThrow(RangeError);
});

it("touches both part hours of a day that starts at a quarter past", () => {
  expect(hoursTouched(dayBounds("2026-11-23", "Asia/Kathmandu"))).toHaveLength(25);
  expect(hoursTouched(dayBounds("2026-11-23", "UTC"))).toHaveLength(24);
});

it("knows months and runs of days", () => {
  expect(monthDays("2028-02")).toEqual({ first: "2028-02-01", last: "2028-02-29" });
  expect(daysBetween("2026-12-31", "2027-01-02")).toEqual([
    "2026-12-31",
    "2027-01-01",
    "2027-01-02",
  ]);
  expect(daysBetween("2027-01-02", "2027-01-01")).toEqual([]);
});

// Leap years, centuries, months' ends and years of five digits, as the standard has them.
it("counts days as Temporal does", () => {
  const first = Temporal.PlainDate.from("0001-01-01");
  for (let offset = 0; offset < 3_700_000; offset += 9_973) {
    const day = first.add({ days: offset });
    for (const days of [-400, -1, 0, 1, 31, 366]) {
      if (offset + days < 0) continue;
      expect(addDays(day.toString(), days)).toBe(day.add({ days }).toString());
    }
  }
  for (const day of ["2026-02-29", "2026-04-31", "2026-11-1", "yesterday", ""]) {
    expect(() => addDays(day, 1)).toThrow(RangeError);
  }
});

it("tells a time zone from a word", () => {
  expect(isTimeZone("Asia/Kathmandu")).toBe(true);
  expect(isTimeZone("Mars/Olympus")).toBe(false);
});

// Vectors computed by others from tzdata 2025b, published in March 2025; they lie beside the project
// where they are given. Later days are left to the laws made since, which a newer Node knows.
const vectors = new URL("../../../../../shared/data/time/local_day_bounds.tsv", import.meta.url);

it.runIf(existsSync(vectors))("agrees with tzdata on every irregular local day", () => {
  const rows = readFileSync(vectors, "utf8").trim().split("\n").slice(1);
  const settled = rows.filter((row) => (row.split("\t")[1] ?? "") < "2025-04-01");
  expect(settled.length).toBeGreaterThan(200);
  for (const row of settled) {
    const [zone = "", day = "", start = "", end = ""] = row.split("\t");
    const bounds = { fromMs: Date.parse(start), toMs: Date.parse(end) };
    expect({ zone, day, ...dayBounds(day, zone) }).toEqual({ zone, day, ...bounds });
  }
});

it("keeps a day in one piece where midnight came twice", () => {
  const zone = "America/St_Johns";
  const { toMs } = dayBounds("2010-11-06", zone);
  expect(hours("2010-11-06", zone)).toBe(25);
  // 00:00:30 of the seventh, for the first time.
  expect(dayOf(toMs - HOUR_MS + 30_000, zone)).toBe("2010-11-06");
  expect(dayOf(toMs, zone)).toBe("2010-11-07");
});

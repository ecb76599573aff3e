import { describe, expect, it } from "vitest";
import { bucketStartsMs, type Granularity } from "./buckets.ts";

function starts(from: string, to: string, granularity: Granularity, timeZone = "UTC"): string[] {
  const range = { fromMs: Date.parse(from), toMs: Date.parse(to) };
  return bucketStartsMs({ ...range, granularity, timeZone }).map((ms) =>
    new Date(ms).toISOString(),
  );
}

describe("bucketStartsMs", () => {
  it("makes one bucket of a total", () => {
    const from = "2026-03-01T10:20:30.000Z";
    expect(starts(from, "2026-03-09T00:00Z", "total")).toEqual([from]);
  });

  it("starts the first hour at the start of the range and the next on the hour", () => {
    expect(starts("2026-03-01T10:20Z", "2026-03-01T12:00Z", "hour")).toEqual([
      "2026-03-01T10:20:00.000Z",
      "2026-03-01T11:00:00.000Z",
    ]);
  });

  it("ends before the exclusive end", () => {
    expect(starts("2026-03-01T10:00Z", "2026-03-01T10:02Z", "minute")).toEqual([
      "2026-03-01T10:00:00.000Z",
      "2026-03-01T10:01:00.000Z",
    ]);
  });

  // A chart with days of 24 hours shows the day after a clock change an hour off, for half a year.
  it("follows a clock change in the zone of the days", () => {
    const days = starts("2026-10-23T22:00Z", "2026-10-26T23:00Z", "day", "Europe/Berlin");
    expect(days).toEqual([
      "2026-10-23T22:00:00.000Z",
      "2026-10-24T22:00:00.000Z",
      "2026-10-25T23:00:00.000Z",
    ]);
  });

  it("knows zones of 45 minutes", () => {
    const days = starts("2026-03-01T18:15Z", "2026-03-03T18:15Z", "day", "Asia/Kathmandu");
    expect(days).toEqual(["2026-03-01T18:15:00.000Z", "2026-03-02T18:15:00.000Z"]);
  });

  it("has no bucket for a day that the zone skipped", () => {
    // Samoa went from 29 to 31 December 2011.
    const days = starts("2011-12-29T10:00Z", "2012-01-01T10:00Z", "day", "Pacific/Apia");
    expect(days).toEqual([
      "2011-12-29T10:00:00.000Z",
      "2011-12-30T10:00:00.000Z",
      "2011-12-31T10:00:00.000Z",
    ]);
  });

  it("has none in an empty range", () => {
    expect(starts("2026-03-01T10:00Z", "2026-03-01T10:00Z", "day")).toEqual([]);
  });
});

import { dayBounds } from "@trueclick/shared/calendar";
import { HOUR_MS } from "@trueclick/shared/time";
import { expect, it } from "vitest";
import { bucketsOf, granularityFor, labelFormatter } from "./buckets.ts";

const berlin = "Europe/Berlin";

it("gives the day on which clocks go back 25 hours, the doubled one told apart", () => {
  const label = labelFormatter("hour", berlin);
  const labels = bucketsOf(dayBounds("2026-10-25", berlin), "hour", berlin).map((bucket) =>
    label(bucket.startMs),
  );
  expect(labels).toHaveLength(25);
  expect(labels.slice(1, 5)).toEqual(["01:00", "02:00 GMT+2", "02:00 GMT+1", "03:00"]);
});

it("cuts days at local midnight, so that one is 23 hours long", () => {
  const { fromMs } = dayBounds("2026-03-28", berlin);
  const { toMs } = dayBounds("2026-03-30", berlin);
  const hours = bucketsOf({ fromMs, toMs }, "day", berlin).map(
    (bucket) => (bucket.endMs - bucket.startMs) / HOUR_MS,
  );
  expect(hours).toEqual([24, 23, 24]);
});

it("cuts hours as the stores do, at those of UTC, also where a day begins between two", () => {
  const range = dayBounds("2026-03-02", "Asia/Kolkata");
  const label = labelFormatter("hour", "Asia/Kolkata");
  const buckets = bucketsOf(range, "hour", "Asia/Kolkata");
  const labels = buckets.map((bucket) => label(bucket.startMs));
  expect(labels.slice(0, 3)).toEqual(["00:00", "00:30", "01:30"]);
  expect(buckets.at(-1)?.endMs).toBe(range.toMs);
});

it("shows two days by the hour, also when one has 25, and three by the day", () => {
  const { fromMs } = dayBounds("2026-10-24", berlin);
  expect(granularityFor({ fromMs, toMs: dayBounds("2026-10-25", berlin).toMs })).toBe("hour");
  expect(granularityFor({ fromMs, toMs: dayBounds("2026-10-26", berlin).toMs })).toBe("day");
});

import { expect, it } from "vitest";
import { objectPath, parseObjectPath, variantPath } from "./objectPath.ts";

const name = {
  eventHourMs: Date.UTC(2026, 2, 1, 7),
  partition: 3,
  firstOffset: 120n,
  lastOffset: 9_223_372_036_854_775_807n,
};

it("names an object by event hour, partition and offsets, so that names sort as the log", () => {
  expect(objectPath(name)).toBe(
    "raw/event_hour=2026-03-01T07/p3-0000000000000000120-9223372036854775807.parquet",
  );
});

it("reads back what it named, also under the name for other bytes", () => {
  expect(parseObjectPath(objectPath(name))).toEqual(name);
  expect(parseObjectPath(variantPath(name, "0123456789abcdef"))).toEqual(name);
});

it.each([
  "raw/event_hour=2026-13-01T07/p3-0000000000000000120-0000000000000000121.parquet",
  "raw/event_hour=2026-03-01T07/p3-120-121.parquet",
  "other/event_hour=2026-03-01T07/p3-0000000000000000120-0000000000000000121.parquet",
])("takes %s for no object of the archive", (path) => {
  expect(parseObjectPath(path)).toBeNull();
});

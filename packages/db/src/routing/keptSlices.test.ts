import { advertiserIdSchema } from "@trueclick/shared/ids";
import { DAY_MS } from "@trueclick/shared/time";
import { describe, expect, it } from "vitest";
import type { TruthPointer } from "../queries/truthPointers.ts";
import { asksSlices, findSlices, type KeptSlices } from "./keptSlices.ts";
import type { ReportQuery } from "./reportQuery.ts";

const advertiserId = advertiserIdSchema.parse("acme");
const dayOf = (at: number) =>
  new Date(Date.parse("2026-12-30") + at * DAY_MS).toISOString().slice(0, 10);
/** Three days over a new year, of the versions 3, 12 and 5. */
const VERSIONS = [3, 12, 5];
const pins = VERSIONS.map((version, at): TruthPointer => {
  const fromMs = Date.parse(dayOf(at));
  return {
    ...{ advertiserId, billingDay: dayOf(at), version, currency: "EUR", settlingHours: 48 },
    ...{ publishedAtMs: fromMs + DAY_MS, validClicks: 1, buildId: 70 + at, takenOver: [] },
    bounds: { fromMs, toMs: fromMs + DAY_MS },
  };
});
const kept: readonly KeptSlices[] = ["0,0", "3,0", "12,3,0"].map((compared, at) => ({
  ...{ advertiserId, billingDay: dayOf(at), version: VERSIONS[at] ?? 0, compared },
  slicesId: 100 + at,
}));
const query: ReportQuery = {
  scope: { kind: "advertisers", ids: [advertiserId] },
  mode: "billing",
  fromMs: Date.parse(dayOf(0)),
  toMs: Date.parse(dayOf(3)),
  granularity: "total",
  dimensions: ["geo", "device"],
  timeZone: "UTC",
  filters: { campaign: ["a1"] },
};
const ONE_BUCKET = [7, 7, 7];

const but = (at: number, other: Partial<KeptSlices>) =>
  kept.map((day, place) => (place === at ? { ...day, ...other } : day));

describe("findSlices", () => {
  it("tells of each pinned day its slices, and how many days of its bucket lie before it", () => {
    const slices = findSlices(query, kept, pins, ONE_BUCKET, true);
    expect(slices?.days.map(({ id, daysBack }) => [id, daysBack])).toEqual([
      [100, 0],
      [101, 1],
      [102, 2],
    ]);
    const byDay = findSlices(query, kept, pins, [7, 8, 9], true);
    expect(byDay?.days.map(({ bucket, daysBack }) => [bucket, daysBack])).toEqual([
      [7, 0],
      [8, 0],
      [9, 0],
    ]);
  });

  it("compares with no version where a day before has none, or is in another row", () => {
    const gone = [pins[0], pins[2]].flatMap((pin) => pin ?? []);
    expect(
      findSlices(query, but(2, { compared: "0,3,0" }), gone, [7, 7], true)?.days,
    ).toMatchObject([
      { id: 100, daysBack: 0 },
      { id: 102, daysBack: 2 },
    ]);
    expect(findSlices(query, kept, gone, [7, 7], true)).toBeNull();
    const foreign = pins.map((pin, at) => (at === 1 ? { ...pin, currency: "USD" } : pin));
    expect(findSlices(query, kept, foreign, ONE_BUCKET, true)).toBeNull();
  });

  // A wrong number that nothing else would show: rows of a version that is not the pinned one.
  it.each([
    ["days that have none", kept.slice(1)],
    ["slices of another version", but(2, { version: 4 })],
    ["those of another advertiser", but(0, { advertiserId: advertiserIdSchema.parse("other") })],
  ])("takes no %s, whether users are told or not", (_which, found) => {
    expect(findSlices(query, found, pins, ONE_BUCKET, true)).toBeNull();
    expect(findSlices(query, found, pins, ONE_BUCKET, false)).toBeNull();
  });

  it.each([
    ["another version", "12,4,0"],
    ["one whose number begins alike", "12,30,0"],
    ["one that ends alike", "112,3,0"],
    ["fewer days", "12"],
    ["none", ""],
  ])("tells no users that were compared with %s", (_what, compared) => {
    const other = but(2, { compared });
    expect(findSlices(query, other, pins, ONE_BUCKET, true)).toBeNull();
    expect(findSlices(query, other, pins, ONE_BUCKET, false)).not.toBeNull();
    expect(findSlices(query, other, pins, [7, 7, 8], true)).not.toBeNull();
  });

  it("tells users of rows of one slice each only", () => {
    const wider = { ...query, dimensions: ["geo"] as const };
    expect(findSlices(wider, kept, pins, ONE_BUCKET, true)).toBeNull();
    expect(findSlices(wider, kept, pins, ONE_BUCKET, false)).not.toBeNull();
    const two = { ...query, filters: { campaign: ["a1", "a2"] } };
    expect(findSlices(two, kept, pins, ONE_BUCKET, true)).toBeNull();
  });
});

it.each<readonly [Partial<ReportQuery>, boolean]>([
  [{}, true],
  [{ granularity: "day" }, true],
  [{ dimensions: [], filters: { device: ["tv"] } }, true],
  [{ granularity: "hour" }, false],
  [{ dimensions: ["campaign"] }, false],
  [{ dimensions: ["geo", "ad"] }, false],
  [{ filters: { publisher: ["p"] } }, false],
])("looks slices up only where they may tell: %o", (asked, isAsked) => {
  expect(asksSlices({ ...query, ...asked })).toBe(isAsked);
});

import { advertiserIdSchema } from "@trueclick/shared/ids";
import { afterAll, beforeAll, expect, it } from "vitest";
import { runReport } from "../routing/report.ts";
import type { ReportQuery } from "../routing/reportQuery.ts";
import {
  fillCheckpoints,
  fillIndex,
  fillManifest,
  fillStreamRejects,
  fillTruthRejects,
  pinObjects,
} from "../testing/fillEvents.ts";
import { fillAdvertiser, fillHot, publishTruth } from "../testing/fillStores.ts";
import { openTestStores, type TestStores } from "../testing/testStores.ts";
import { driftByCampaignHour } from "./drift.ts";
import { touchedPartitions } from "./touchedPartitions.ts";
import { traceEvent } from "./trace.ts";
import { versionDiff } from "./versionDiff.ts";

// Every reader of a version whose first hour lies in the build of the version before. That build also
// has another first count of the second hour, evidence of it, and credits of its own.
const advertiserId = advertiserIdSchema.parse("kathmandu");
const scope = { kind: "advertisers", ids: [advertiserId] } as const;
const day = { advertiser: "kathmandu", day: "2026-10-30", currency: "NPR" };
/** In which the day starts, at a quarter past. */
const first = "2026-10-29T18:00:00Z";
const second = "2026-10-30T08:00:00Z";
const at = (iso: string) => Date.parse(iso);
const nowMs = at("2026-10-30T12:00:00Z");
const credit = { type: "conversion", events: 0, campaign: "k1" } as const;
const event = (offset: number, hour: string) => ({
  ...{ id: `event-${offset}`, campaign: "k1", offset },
  at: new Date(at(hour) + 30 * 60_000).toISOString(),
});

let stores: TestStores;
beforeAll(async () => {
  stores = await openTestStores();
  await fillAdvertiser(stores, { id: "acme", campaigns: ["a1"] });
  await fillAdvertiser(stores, {
    ...{ id: "kathmandu", timeZone: "Asia/Kathmandu", currency: "NPR", campaigns: ["k1"] },
  });
  const counted = { campaign: "k1", hour: first, events: 2, costMicros: 20, users: [1, 2] };
  const shared = { ...counted, publisher: "pub_early" };
  const before = await publishTruth(stores, {
    ...{ ...day, publishedAt: "2026-10-30T09:00:00Z" },
    cells: [
      shared,
      { ...credit, hour: first, credited: 5, creditedValueMicros: 50 },
      { campaign: "k1", hour: second, ad: "ad_gone", events: 5, costMicros: 50, users: [9] },
    ],
  });
  const after = await publishTruth(stores, {
    ...{ ...day, publishedAt: "2026-10-30T10:00:00Z" },
    cells: [
      { campaign: "k1", hour: second, events: 7, costMicros: 70, users: [2, 3] },
      { ...credit, hour: first, credited: 1, creditedValueMicros: 10 },
    ],
    takenOver: [{ buildId: before, hours: [at(first) / 1_000], cells: [shared] }],
  });
  await publishTruth(stores, {
    ...{ ...day, day: "2026-10-29", publishedAt: "2026-10-30T09:00:00Z" },
    cells: [{ campaign: "k1", hour: "2026-10-29T10:00:00Z", events: 1, users: [3] }],
  });
  await publishTruth(stores, {
    ...{ advertiser: "acme", day: "2026-10-30", publishedAt: "2026-10-30T09:00:00Z" },
    cells: [{ campaign: "a1", hour: second, events: 1, costMicros: 1 }],
  });

  await fillTruthRejects(stores, { ...day, id: before }, [
    { ...event(1, first), verdict: "duplicate" },
    { ...event(2, second), verdict: "duplicate" },
  ]);
  const objects = [
    { hour: first, first: 0, last: 9 },
    { hour: second, first: 0, last: 9 },
  ];
  await fillManifest(stores, objects);
  await pinObjects(stores, before, objects);
  await pinObjects(stores, after, objects);
  await fillIndex(stores, [event(1, first), event(2, second)]);
  const watermark = "2026-10-30T11:00:00Z";
  await fillCheckpoints(stores, { partition: 0, stream: 10, archive: 10, watermark });
  const live = { advertiser: "kathmandu", campaign: "k1" };
  await fillHot(stores, [
    { ...live, at: event(1, first).at, clicks: 3 },
    { ...live, at: event(2, second).at, clicks: 6 },
  ]);
  await fillStreamRejects(stores, "kathmandu", [{ ...event(2, second), reason: "late" }]);
});
afterAll(() => stores.close());

const query: ReportQuery = {
  scope,
  mode: "billing",
  fromMs: at("2026-10-29T18:15:00Z"),
  toMs: at("2026-10-30T18:15:00Z"),
  granularity: "total",
  dimensions: ["ad"],
  timeZone: "Asia/Kathmandu",
  filters: {},
};
const report = (asked: Partial<ReportQuery>) => runReport(stores, { ...query, ...asked }, nowMs);

it("tells of a report what both builds hold, each once", async () => {
  const { rows } = await report({});
  expect(rows).toMatchObject([
    {
      ...{ ad: "ad_1", clicks: 9, unique_users: 3, cost_micros: 90 },
      ...{ attributed_conversions: 1, currency: "NPR" },
    },
  ]);
  // Beside days of one build, and by hours, of which the first starts with the day.
  const all = { scope: { kind: "all" } as const, granularity: "hour", timeZone: "UTC" } as const;
  const { rows: hours } = await report({ ...all, dimensions: ["campaign", "ad"] });
  expect(hours.map((row) => [row.time, row.campaign, row.clicks, row.currency])).toEqual([
    ["2026-10-29T18:15:00.000Z", "k1", 2, "NPR"],
    ["2026-10-30T08:00:00.000Z", "k1", 7, "NPR"],
    ["2026-10-30T08:00:00.000Z", "a1", 1, "EUR"],
  ]);
});

it("unites the users of lines over both builds", async () => {
  const twoDays = { fromMs: query.fromMs - 24 * 3_600_000, dimensions: ["campaign"] } as const;
  expect((await report(twoDays)).rows).toMatchObject([{ clicks: 10, unique_users: 3 }]);
});

it("still tells of the version before what its one build holds", async () => {
  const { rows } = await report({ asOfMs: at("2026-10-30T09:30:00Z") });
  expect(rows).toMatchObject([
    { ad: "ad_gone", clicks: 5, unique_users: 1, attributed_conversions: 0 },
    { ad: "ad_1", clicks: 2, unique_users: 2, attributed_conversions: 5 },
  ]);
});

it("compares two versions without the hours that they share", async () => {
  const asked = { advertiserId, billingDay: day.day, before: 1, after: 2 };
  const diff = await versionDiff(stores, scope, asked);
  expect(diff?.moved).toMatchObject([{ verdict: "valid", events: 2, costMicros: 20n }]);
});

it("traces an event to the evidence of its hour", async () => {
  const verdictsOf = async (id: string) =>
    (await traceEvent(stores, scope, id))?.copies.flatMap(({ batchVerdicts }) =>
      batchVerdicts.map(({ verdict }) => verdict),
    );
  expect(await verdictsOf("event-1")).toEqual(["duplicate", "duplicate"]);
  expect(await verdictsOf("event-2")).toEqual(["duplicate", "valid"]);
});

it("adds drift up by the evidence of both builds", async () => {
  const range = { fromMs: at(first), toMs: at("2026-10-30T11:00:00Z") };
  const { rows } = await driftByCampaignHour(stores, scope, range, nowMs);
  expect(
    rows.map(({ stream, truth, causes, unexplained }) => [stream, truth, causes, unexplained]),
  ).toEqual([
    [3, 2, { duplicate: 1 }, 0],
    [6, 7, { late: -1 }, 0],
  ]);
});

it("finds the day by the cells of both builds", async () => {
  const range = { fromMs: query.fromMs, toMs: query.toMs };
  const touched = (publisherId: string) =>
    touchedPartitions(stores, [{ scope: { publisherId }, range }]);
  expect(await touched("pub_early")).toEqual([{ advertiserId, billingDay: day.day }]);
  expect(await touched("pub_never")).toEqual([]);
});

import { advertiserIdSchema } from "@trueclick/shared/ids";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { TenantScope } from "../tenant.ts";
import {
  fillCheckpoints,
  fillIndex,
  fillManifest,
  fillStreamRejects,
  fillTruthRejects,
  objectPath,
  pinObjects,
} from "../testing/fillEvents.ts";
import { fillAdvertiser, publishTruth } from "../testing/fillStores.ts";
import { openTestStores, type TestStores } from "../testing/testStores.ts";
import { traceEvent } from "./trace.ts";

let stores: TestStores;
const hour = "2026-10-28T10:00:00Z";
const first = { hour, first: 0, last: 4 };
const second = { hour, first: 5, last: 9 };

const scopeOf = (...ids: string[]): TenantScope => ({
  kind: "advertisers",
  ids: ids.map((id) => advertiserIdSchema.parse(id)),
});

// A click at offset 1; its retry at 2; a late copy at 6, archived after version 1 was counted; and
// one at 11 that the stream has rejected and nobody archived yet. Somebody else used the id too, at 3.
beforeAll(async () => {
  stores = await openTestStores();
  await fillAdvertiser(stores, { id: "acme", campaigns: ["a1"] });
  await fillAdvertiser(stores, { id: "other", campaigns: ["b1"] });
  const click = { id: "the-click", campaign: "a1", at: "2026-10-28T10:00:05Z" };
  await fillIndex(stores, [
    { ...click, offset: 1 },
    { ...click, offset: 2 },
    { ...click, offset: 3, campaign: "b1" },
    { ...click, offset: 6 },
    { ...click, id: "nobodys", campaign: "c1", offset: 4 },
  ]);
  await fillStreamRejects(stores, "acme", [
    { ...click, offset: 2, reason: "duplicate" },
    { ...click, offset: 6, reason: "late" },
    { ...click, offset: 11, reason: "late" },
  ]);
  await fillStreamRejects(stores, "", [
    { ...click, id: "nobodys", campaign: "c1", offset: 4, reason: "unknown_campaign" },
  ]);
  await fillManifest(stores, [first, second]);
  const day = { advertiser: "acme", day: "2026-10-28" };
  const cells = [{ campaign: "a1", hour, events: 1, costMicros: 250_000 }];
  const versions = [
    { pinned: [first], rejects: [2] },
    { pinned: [first, second], rejects: [2, 6] },
  ];
  for (const { pinned, rejects } of versions) {
    const id = await publishTruth(stores, { ...day, cells });
    await pinObjects(stores, id, pinned);
    const judged = rejects.map((offset) => ({ ...click, offset, verdict: "duplicate" as const }));
    await fillTruthRejects(stores, { ...day, id }, judged);
  }
  const watermark = "2026-10-28T12:00:00Z";
  await fillCheckpoints(stores, { partition: 0, stream: 12, archive: 10, watermark });
});
afterAll(() => stores.close());

it("shows every copy, what stream and each version say of it, and the line that bills it", async () => {
  const trace = await traceEvent(stores, scopeOf("acme"), "the-click");
  const verdicts = trace?.copies.map((copy) => [
    copy.coordinates,
    copy.streamVerdict,
    ...copy.batchVerdicts.map(({ version, current, verdict }) => [version, current, verdict]),
  ]);
  expect(verdicts).toEqual([
    ["0:1:0", "counted", [1, false, "valid"], [2, true, "valid"]],
    ["0:2:0", "duplicate", [1, false, "duplicate"], [2, true, "duplicate"]],
    ["0:6:0", "late", [1, false, "not_included"], [2, true, "duplicate"]],
    ["0:11:0", "late", [1, false, "not_included"], [2, true, "not_included"]],
  ]);
  expect(trace?.copies.map((copy) => copy.object?.path ?? null)).toEqual([
    objectPath(first),
    objectPath(first),
    objectPath(second),
    null,
  ]);
  expect(trace?.copies.map((copy) => copy.billed)).toEqual([
    {
      advertiserId: "acme",
      billingDay: "2026-10-28",
      version: 2,
      campaignId: "a1",
      clicks: 1n,
      costMicros: 250_000n,
      currency: "EUR",
    },
    null,
    null,
    null,
  ]);
});

it("tells what each version credited a conversion to, to its owner alone", async () => {
  const day = { advertiser: "acme", day: "2026-10-29" };
  const bought = { id: "the-conversion", campaign: "a1", at: "2026-10-29T10:00:05Z", offset: 7 };
  await fillIndex(stores, [bought]);
  const row = {
    ...{ advertiser_id: "acme", billing_day: day.day, campaign_id: "a1", event_id: bought.id },
    ...{ partition: 0, offset: 7, index: 0, window_days: 7, value_micros: 5_000 },
  };
  const credits = [{ not_credited: "no_click" }, { click_event_id: "the-click" }];
  for (const credit of credits) {
    const build_id = await publishTruth(stores, { ...day, cells: [] });
    const values = [{ ...row, ...credit, build_id }];
    await stores.clickhouse.insert({ table: "truth_conversions", values, format: "JSONEachRow" });
  }
  const told = async (scope: TenantScope) =>
    (await traceEvent(stores, scope, bought.id))?.copies.map(({ batchVerdicts }) =>
      batchVerdicts.map(({ credit }) => credit),
    );
  const told7 = { windowDays: 7, valueMicros: 5_000n };
  expect(await told(scopeOf("acme"))).toEqual([
    [
      { ...told7, clickEventId: null, notCredited: "no_click" },
      { ...told7, clickEventId: "the-click", notCredited: null },
    ],
  ]);
  expect(await told(scopeOf("other"))).toBeUndefined();
});

it("shows a tenant only its own copies of an id", async () => {
  const trace = await traceEvent(stores, scopeOf("other"), "the-click");
  expect(trace?.copies).toMatchObject([{ coordinates: "0:3:0", campaignId: "b1", billed: null }]);
  const all = await traceEvent(stores, { kind: "all" }, "the-click");
  expect(all?.copies).toHaveLength(5);
});

it("finds nothing for a stranger, an empty scope, and a tenant of a campaign nobody has", async () => {
  for (const scope of [scopeOf("stranger"), scopeOf(), scopeOf("x') OR (1=1")]) {
    expect(await traceEvent(stores, scope, "the-click")).toBeNull();
  }
  expect(await traceEvent(stores, scopeOf("acme"), "nobodys")).toBeNull();
  expect(await traceEvent(stores, scopeOf("acme"), "never-was")).toBeNull();
});

it("shows staff an event of a campaign that nobody has", async () => {
  const trace = await traceEvent(stores, { kind: "all" }, "nobodys");
  expect(trace?.copies).toMatchObject([
    { advertiserId: null, streamVerdict: "unknown_campaign", batchVerdicts: [], billed: null },
  ]);
});

import { DAY_MS, HOUR_MS, MINUTE_MS } from "@trueclick/shared/time";
import { afterAll, beforeAll, expect, it } from "vitest";
import { fillCheckpoints } from "../testing/fillEvents.ts";
import { fillAdvertiser, fillHot, publishTruth } from "../testing/fillStores.ts";
import { openTestStores, type TestStores } from "../testing/testStores.ts";
import { lookAtDrift, unexplainedDrift } from "./driftWatch.ts";

let stores: TestStores;
beforeAll(async () => {
  stores = await openTestStores();
});
afterAll(() => stores.close());

const INTERVAL_MS = 5 * MINUTE_MS;
const nowMs = Date.parse("2026-10-30T14:20:00Z");
const hour = "2026-10-30T10:00:00Z";
/** Of the fourth day before the newest two, which the fourth look takes along. */
const old = "2026-10-25T10:00:00Z";

const look = (atMs: number) => lookAtDrift(stores, INTERVAL_MS, atMs);
const hot = (at: string, clicks: number, version: number) =>
  fillHot(stores, [{ advertiser: "acme", campaign: "a1", at, clicks, version }]);

it("finds differences without a cause, of all tenants, old ones in turn, and forgets them once they have one", async () => {
  expect(await unexplainedDrift(stores)).toEqual({
    ...{ clicks: 0, places: 0, sinceMs: null, checkedMs: null, largest: [] },
  });
  await fillAdvertiser(stores, { id: "acme", campaigns: ["a1"] });
  await fillAdvertiser(stores, { id: "other", campaigns: ["o1"] });
  for (const [advertiser, campaign, at] of [
    ["acme", "a1", hour],
    ["acme", "a1", old],
    ["other", "o1", hour],
  ] as const) {
    await fillHot(stores, [{ advertiser, campaign, at, clicks: 5, version: 1 }]);
    const day = at.slice(0, 10);
    await publishTruth(stores, { advertiser, day, cells: [{ campaign, hour: at, events: 5 }] });
  }
  const watermark = "2026-10-30T14:00:00Z";
  await fillCheckpoints(stores, { partition: 0, stream: 1, archive: 1, watermark });

  expect(await look(nowMs)).toBe(true);
  expect(await unexplainedDrift(stores)).toMatchObject({ clicks: 0, checkedMs: nowMs });

  await hot(hour, 3, 2);
  await hot(old, 9, 2);
  await fillHot(stores, [{ advertiser: "other", campaign: "o1", at: hour, clicks: 6, version: 2 }]);
  // Not before its time; then by one of two processes that ask at once.
  expect(await look(nowMs + INTERVAL_MS - 1)).toBe(false);
  const secondMs = nowMs + INTERVAL_MS;
  expect((await Promise.all([look(secondMs), look(secondMs)])).toSorted()).toEqual([false, true]);
  const places = [
    { advertiserId: "acme", campaignId: "a1", hourMs: Date.parse(hour), unexplained: -2 },
    { advertiserId: "other", campaignId: "o1", hourMs: Date.parse(hour), unexplained: 1 },
  ];
  expect(await unexplainedDrift(stores)).toEqual({
    ...{ clicks: 3, places: 2, sinceMs: secondMs, checkedMs: secondMs, largest: places },
  });

  const [thirdMs, fourthMs] = [secondMs + INTERVAL_MS, secondMs + 2 * INTERVAL_MS];
  await look(thirdMs);
  expect(await unexplainedDrift(stores)).toMatchObject({ clicks: 3, checkedMs: thirdMs });
  await look(fourthMs);
  const found = await unexplainedDrift(stores);
  expect(found).toMatchObject({ clicks: 7, places: 3, sinceMs: secondMs });
  expect(found.largest[0]).toMatchObject({ hourMs: Date.parse(old), unexplained: 4 });

  await hot(hour, 5, 3);
  await fillHot(stores, [{ advertiser: "other", campaign: "o1", at: hour, clicks: 5, version: 3 }]);
  const lastMs = fourthMs + INTERVAL_MS;
  await look(lastMs);
  expect(await unexplainedDrift(stores)).toMatchObject({ clicks: 4, places: 1 });
  // What the hot store no longer keeps cannot be compared any more.
  await look(lastMs + 36 * DAY_MS + HOUR_MS);
  expect(await unexplainedDrift(stores)).toMatchObject({ clicks: 0, places: 0, sinceMs: null });
});

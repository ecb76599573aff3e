import { fillIndex, fillManifest } from "@trueclick/db/testing/fillEvents";
import { fillAdvertiser, publishTruth } from "@trueclick/db/testing/fillStores";
import { openTestStores, type TestStores } from "@trueclick/db/testing/testStores";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { partitionsBetween, partitionsToCount } from "./partitionsToCount.ts";

const NOBODY = { day: undefined, advertiserId: undefined };
const DAY_MS = 86_400_000;

/** Yesterday at ten, so that the index still has it whenever this is run. */
const hour = new Date(Math.floor(Date.now() / DAY_MS) * DAY_MS - 14 * 3_600_000).toISOString();
const day = hour.slice(0, 10);

let stores: TestStores;
beforeAll(async () => {
  stores = await openTestStores();
  await fillAdvertiser(stores, { id: "adv_busy", campaigns: ["cmp_busy"] });
  await fillAdvertiser(stores, { id: "adv_idle", campaigns: ["cmp_idle"] });
  await fillAdvertiser(stores, { id: "adv_new", campaigns: [] });
  const object = { hour, first: 0, last: 9 };
  await fillManifest(stores, [object]);
  await fillIndex(stores, [{ campaign: "cmp_busy", at: hour, offset: 0, partition: 0 }]);
});
afterAll(() => stores.close());

describe("what a run without a day counts", () => {
  // The archive holds all advertisers' events: without this, each new advertiser would have every
  // day counted that anybody ever had.
  it("is only what an advertiser has events of", async () => {
    expect(await partitionsToCount(stores, NOBODY)).toMatchObject([
      { advertiserId: "adv_busy", billingDay: day },
    ]);
  });

  // Its last event may have been moved away from it; then the new count is nothing, and is due.
  it("is every day that was counted before", async () => {
    const cells = [{ campaign: "cmp_idle", hour, events: 1 }];
    await publishTruth(stores, { advertiser: "adv_idle", day, cells });
    const advertisers = (await partitionsToCount(stores, NOBODY)).map((one) => one.advertiserId);
    expect(advertisers.sort()).toEqual(["adv_busy", "adv_idle"]);
  });
});

describe("what a run of one day counts", () => {
  it("is that day of every advertiser, or of the one named", async () => {
    const selection = { day: "2026-02-28", advertiserId: undefined };
    expect(await partitionsToCount(stores, selection)).toHaveLength(3);
    expect(await partitionsToCount(stores, { ...selection, advertiserId: "adv_new" })).toEqual([
      { advertiserId: "adv_new", billingDay: "2026-02-28" },
    ]);
  });

  it("must be a day that there is, of somebody known", async () => {
    const wrongDay = { day: "2026-02-30", advertiserId: undefined };
    await expect(partitionsToCount(stores, wrongDay)).rejects.toThrow(/--day/);
    const stranger = { day, advertiserId: "adv_nobody" };
    await expect(partitionsToCount(stores, stranger)).rejects.toThrow(/No advertiser/);
  });
});

describe("what a recount of days counts", () => {
  const nowMs = Date.parse("2026-03-02T12:00:00Z");
  it("is every day of them that has begun, of all or of one", async () => {
    const range = { fromDay: "2026-02-27", toDay: "2026-03-05" };
    expect(await partitionsBetween(stores, range, undefined, nowMs)).toHaveLength(3 * 4);
    const own = await partitionsBetween(stores, range, "adv_idle", nowMs);
    expect(own.map((one) => one.billingDay)).toEqual([
      "2026-02-27",
      "2026-02-28",
      "2026-03-01",
      "2026-03-02",
    ]);
  });

  it("is refused when it makes no sense, or is too much", async () => {
    const asked = (fromDay: string, toDay: string) =>
      partitionsBetween(stores, { fromDay, toDay }, undefined, nowMs);
    await expect(asked("2026-03-02", "2026-03-01")).rejects.toThrow(/--to/);
    await expect(asked("2026-03-02", "2026-03-32")).rejects.toThrow(/--to must be a calendar day/);
    await expect(asked("1990-01-01", "2026-03-01")).rejects.toThrow(/more than/);
  });
});

import { createWorkerEncoder } from "@trueclick/archive/encode/workerEncoder";
import { NOON_MS, storedEvent } from "@trueclick/archive/testing/storedEvents";
import { archiveObjects } from "@trueclick/db/postgres/schema/archive";
import { truthClickIndexes } from "@trueclick/db/postgres/schema/attribution";
import { addWindow } from "@trueclick/db/queries/attributionWindows";
import { truthDirtyDays } from "@trueclick/db/queries/dirtyDays";
import { partitionOf } from "@trueclick/event-log/partition";
import { addDays, dayOf } from "@trueclick/shared/calendar";
import type { StoredEvent } from "@trueclick/shared/event/stored";
import { advertiserIdSchema, campaignIdSchema } from "@trueclick/shared/ids";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "@trueclick/shared/time";
import { like } from "drizzle-orm";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createPostgresCompactionManifest } from "../archive/adapters/postgresCompactionManifest.ts";
import { compactHours } from "../archive/pipeline/compactHours.ts";
import { runJob } from "./pipeline/runJob.ts";
import { type BatchWorld, type CampaignSeed, openBatchWorld } from "./testing/batchWorld.ts";

const DAY = dayOf(NOON_MS, "UTC");
const DAY_BEFORE = addDays(DAY, -1);
const PARTITIONS = 2;
const { signal } = new AbortController();
const merger = createWorkerEncoder();

let world: BatchWorld;
beforeAll(async () => {
  world = await openBatchWorld();
});
afterAll(async () => {
  await world.close();
  await merger.close();
});

let serial = 0;
const fresh = (prefix: string) => {
  serial += 1;
  return `${prefix}_${String(serial).padStart(5, "0")}`;
};

async function newAdvertiser(requirements: CampaignSeed["requirements"] = []) {
  const [advertiser, campaign] = [fresh("adv"), fresh("cmp")];
  const campaigns = [{ id: campaign, rates: [[0, 5n]] as const, requirements }];
  await world.addAdvertiser(advertiser, { timeZone: "UTC", campaigns });
  const event = (type: StoredEvent["event_type"], fields: Partial<StoredEvent>) =>
    storedEvent({ event_id: fresh(type), campaign_id: campaign, event_type: type, ...fields });
  return {
    advertiser,
    campaign,
    click: (fields: Partial<StoredEvent>) => event("click", fields),
    impression: (fields: Partial<StoredEvent>) => event("impression", fields),
    conversion: (fields: Partial<StoredEvent>) =>
      event("conversion", { conversion_value_micros: 10, ...fields }),
  };
}

async function archive(events: readonly StoredEvent[]): Promise<void> {
  await world.archive.append(events, NOON_MS + 2 * DAY_MS);
  await world.archive.archiveAll();
}

/** By conversion: the click that it is credited to in the current version, or why to none. */
async function credits(advertiser: string, day = DAY): Promise<Record<string, string>> {
  const truth = await world.current(advertiser, day);
  const rows = await world.conversions(truth?.jobId ?? 0n);
  return Object.fromEntries(rows.map((text) => text.split(" ").slice(0, 2)));
}

const dirty = async (advertiser: string) =>
  (await truthDirtyDays(world.archive, { kind: "all" }))
    .filter(({ advertiserId }) => advertiserId === advertiser)
    .map(({ billingDay, why }) => `${billingDay} ${why}`);

const at = (ms: number) => ({ event_time: NOON_MS + ms });

// Each pair is what an advertiser would argue about. Days before are counted first, as they are.
it("credits the last valid click within the window, to the millisecond of both its ends", async () => {
  const { advertiser, click, conversion } = await newAdvertiser();
  const stranger = await newAdvertiser();
  const window = 30 * DAY_MS;
  const sent: StoredEvent[] = [];
  const expected: Record<string, string> = {};
  const expectCredit = (
    clicks: readonly StoredEvent[],
    credited: StoredEvent | string,
    fields: Partial<StoredEvent> = {},
  ) => {
    const one = conversion({ user_id: clicks[0]?.user_id, ...at(0), ...fields });
    sent.push(...clicks, one);
    expected[one.event_id] = typeof credited === "string" ? credited : credited.event_id;
    return one;
  };
  const by = (user_id: string, ms: number, more: Partial<StoredEvent> = {}) =>
    click({ user_id, ...at(ms), ...more });

  const oldest = by("u1", -window);
  expectCredit([oldest], oldest);
  expectCredit([by("u2", -window - 1)], "no_click");
  const sameMoment = by("u3", 0);
  expectCredit([sameMoment], sameMoment);
  expectCredit([by("u4", 1)], "no_click");
  const tie = by("u5", -HOUR_MS, { ingest_time: NOON_MS + 9, ad_id: "ad_2", geo: "FR" });
  expectCredit([by("u5", -HOUR_MS, { ingest_time: NOON_MS + 8 }), tie], tie);
  const valid = by("u6", -2 * HOUR_MS);
  expectCredit([valid, by("u6", -HOUR_MS, { flags: ["prefetch"] })], valid);
  const followed = by("u7", -MINUTE_MS);
  expectCredit([by("u7", -MINUTE_MS - 20_000), followed], followed);

  // A click id decides alone, also where it leads to nothing.
  const named = by("u8", -DAY_MS, { click_id: fresh("click-id") });
  expectCredit([by("u9", -HOUR_MS)], named, { click_id: named.click_id });
  sent.push(named);
  const foreign = stranger.click({ user_id: "u10", ...at(-HOUR_MS), click_id: fresh("click-id") });
  expectCredit([by("u10", -HOUR_MS)], "no_click", { click_id: foreign.click_id });
  const unnamed = by("u11", -HOUR_MS);
  expectCredit([unnamed], unnamed, { click_id: unnamed.event_id, user_id: "somebody else" });
  expectCredit([], "no_identity", { user_id: undefined });
  const again = expectCredit([by("u12", -3)], "no_click", { user_id: "nobody clicked" });
  sent.push(foreign, { ...again, ingest_time: NOON_MS + HOUR_MS });

  await archive(sent);
  for (const day of [addDays(DAY, -30), DAY_BEFORE]) await world.recount(advertiser, day);
  expect(await world.recount(advertiser, DAY)).toBe("published");
  expect(await credits(advertiser)).toEqual(expected);
  const credited = Object.values(expected).filter((what) => !what.startsWith("no_"));
  const truth = await world.current(advertiser, DAY);
  expect(truth).toMatchObject({
    lines: [
      {
        conversions: BigInt(Object.keys(expected).length),
        attributedConversions: BigInt(credited.length),
        attributedValueMicros: 10n * BigInt(credited.length),
      },
    ],
  });
  // By the click's dimensions, not the conversion's.
  expect(await world.credits(truth?.jobId ?? 0n)).toEqual(["ad_1 DE 6 60", "ad_2 FR 1 10"]);
  // I5. The same inputs, read and credited again.
  expect(await world.recount(advertiser, DAY)).toBe("verified");
  expect(await world.recountChanged(advertiser, DAY)).toBe("verified");
});

// A click that was late changes an earlier day, and with it what later days' conversions are due to.
it("takes clicks from published days alone, and counts again when those have others", async () => {
  const { advertiser, click, conversion } = await newAdvertiser();
  const inPartition = (make: () => StoredEvent): StoredEvent => {
    const event = make();
    return partitionOf(event.event_id, PARTITIONS) === 0 ? event : inPartition(make);
  };
  const early = inPartition(() => click({ user_id: "u", ...at(-DAY_MS) }));
  const late = inPartition(() => click({ user_id: "u", ...at(-DAY_MS + MINUTE_MS) }));
  const bought = conversion({ user_id: "u", ...at(0) });
  // Its hour is not touched again: later versions have its evidence where the first one has.
  const unfit = click({ user_id: "u", ...at(-DAY_MS - 5 * HOUR_MS), flags: ["prefetch"] });
  await archive([early, bought, unfit]);
  await world.recount(advertiser, DAY);
  expect(await credits(advertiser)).toEqual({ [bought.event_id]: "no_click" });
  await world.recount(advertiser, DAY_BEFORE);
  expect(await dirty(advertiser)).toEqual([`${DAY} changed clicks before`]);
  expect(await world.recountChanged(advertiser, DAY)).toBe("published");
  expect(await credits(advertiser)).toEqual({ [bought.event_id]: early.event_id });
  expect(await dirty(advertiser)).toEqual([]);
  // What the archive has and no version has is not there yet, wherever compaction has put it.
  await archive([late]);
  const { db, topic, objects, stores, clickhouse } = world.archive;
  await compactHours(
    {
      ...{ merger, objects, index: stores.index, onCompacted: () => {}, retentionMs: 1e12 },
      manifest: createPostgresCompactionManifest(db, topic),
      limits: { objectsMin: 2, rowsMax: 10_000, bytesMax: 10_000_000 },
    },
    NOON_MS + HOUR_MS,
    signal,
  );
  const hour = new Date(NOON_MS - DAY_MS).toISOString().slice(0, 13);
  const ofHour = await db
    .select()
    .from(archiveObjects)
    .where(like(archiveObjects.path, `%event_hour=${hour}%`));
  expect(ofHour.some(({ mergedObjects }) => mergedObjects > 0)).toBe(true);
  await db.delete(truthClickIndexes);
  await clickhouse.command({ query: "TRUNCATE TABLE truth_clicks" });
  expect(await world.recount(advertiser, DAY)).toBe("verified");
  expect(await dirty(advertiser)).toEqual([`${DAY_BEFORE} new events`]);

  await world.recountChanged(advertiser, DAY_BEFORE);
  expect(await dirty(advertiser)).toEqual([`${DAY} changed clicks before`]);
  expect(await world.recountChanged(advertiser, DAY)).toBe("published");
  expect(await credits(advertiser)).toEqual({ [bought.event_id]: late.event_id });

  // A damaged earlier day stops the count before it publishes.
  await db.delete(truthClickIndexes);
  const sha256 = async (path: string) => (path.includes(hour) ? null : objects.sha256(path));
  const damaged = { ...world.stores, objects: { ...objects, sha256 } };
  const recount = world.recount(advertiser, DAY, damaged);
  await expect(recount).rejects.toThrow(/event_hour=.* is missing/);
  expect(await credits(advertiser)).toEqual({ [bought.event_id]: late.event_id });
});

// I5: a window is an input like a rate, and the version that it changed names it.
it("publishes what another window changes, with the window as its cause, and keeps what was", async () => {
  const { advertiser, campaign, click, conversion } = await newAdvertiser();
  const old = click({ user_id: "u", ...at(-DAY_MS - HOUR_MS) });
  const bought = conversion({ user_id: "u", ...at(0) });
  await archive([old, bought]);
  await world.recount(advertiser, DAY_BEFORE);
  await world.recount(advertiser, DAY);
  const before = await world.current(advertiser, DAY);
  expect(await credits(advertiser)).toEqual({ [bought.event_id]: old.event_id });

  const window = {
    days: 1,
    effectiveFromMs: NOON_MS,
    reason: "agreed",
    createdBy: "test",
  } as const;
  const advertiserId = advertiserIdSchema.parse(advertiser);
  const campaignId = campaignIdSchema.parse(campaign);
  const { id, partitions } = await addWindow(world.archive, { ...window, campaignId });
  expect(partitions).toEqual([{ advertiserId, billingDay: DAY }]);
  const job = await world.queue.take();
  if (job === null) throw new Error("the job was not handed out");
  expect(await runJob(world.stores, job, signal)).toBe("published");
  expect(await credits(advertiser)).toEqual({ [bought.event_id]: "no_click" });
  const after = await world.current(advertiser, DAY);
  expect(after).toMatchObject({
    cause: `look-back window of ${campaign}, 1 days: agreed`,
    judgedHash: before?.judgedHash,
    lines: [{ conversions: 1n, attributedConversions: 0n }],
  });
  expect(after?.contentHash).not.toBe(before?.contentHash);
  expect(await world.conversions(before?.jobId ?? 0n)).toEqual([
    `${bought.event_id} ${old.event_id} 30 10`,
  ]);
  const { inputs } = (await world.jobs()).find((one) => one.id === Number(after?.jobId)) ?? {};
  expect(inputs).toMatchObject({
    attribution: {
      windows: [
        { campaign_id: campaign, days: 30 },
        { campaign_id: campaign, days: 1 },
      ],
    },
  });
  expect(id).toBeGreaterThan(0);
});

// A click that nobody was shown the ad for must not be billed where the campaign asks for it.
it("counts a click that needs an impression by one that was received in the hours before it", async () => {
  const { advertiser, click, impression } = await newAdvertiser([[0, true]]);
  const other = await newAdvertiser();
  const sent: StoredEvent[] = [];
  const expected: Record<string, string> = {};
  const expectVerdict = (
    verdict: string,
    clicked: Partial<StoredEvent>,
    shown: Partial<StoredEvent> | null = null,
    show = impression,
  ) => {
    const impression_id = fresh("impression-id");
    const one = click({ impression_id, ...at(0), ...clicked });
    expected[one.event_id] = verdict;
    sent.push(one);
    if (shown !== null) sent.push(show({ impression_id, ...at(-MINUTE_MS), ...shown }));
  };
  const [u, v, nobody] = [{ user_id: "u" }, { user_id: "v" }, { user_id: undefined }];
  expectVerdict("valid", u, { ...u, ...at(-DAY_MS) });
  expectVerdict("unlinked", v, { ...v, ...at(-DAY_MS - 1) });
  expectVerdict("valid", nobody, { ...v, ...at(0) });
  expectVerdict("valid", { user_id: "w" }, nobody);
  expectVerdict("unlinked", { user_id: "x" }, v);
  expectVerdict("unlinked", { user_id: "y" }, { user_id: "y", ...at(1) });
  expectVerdict("unlinked", { user_id: "z" }, { user_id: "z", ad_id: "ad_2" });
  expectVerdict("unlinked", { user_id: "a" }, { user_id: "a", test: true });
  expectVerdict("unlinked", { user_id: "b" }, { user_id: "b" }, other.impression);
  expectVerdict("unlinked", { user_id: "c", impression_id: undefined }, { user_id: "c" });
  // A click that does not count makes none before it a double click.
  expectVerdict("valid", { user_id: "d", ...at(-HOUR_MS) }, { user_id: "d", ...at(-2 * HOUR_MS) });
  expectVerdict("unlinked", { user_id: "d", ...at(-HOUR_MS + 5_000) });
  await archive([...sent, other.click(at(0))]);

  const stores = { ...world.stores, sliceRowsMax: 1 };
  const verdicts = async () => {
    const rejects = (await world.current(advertiser, DAY))?.rejects ?? [];
    const found = new Map(rejects.map(({ eventId, verdict }) => [eventId, verdict]));
    return Object.fromEntries(Object.keys(expected).map((id) => [id, found.get(id) ?? "valid"]));
  };
  await world.recount(advertiser, DAY, stores);
  expect(await verdicts()).toEqual(expected);
  // In one slice as in many, and the same inputs come to the same.
  expect(await world.recount(advertiser, DAY)).toBe("verified");

  // One of the day before that comes late links its click, and makes the day count again.
  const late = sent.find(({ event_type, user_id }) => event_type === "click" && user_id === "v");
  expect(await dirty(advertiser)).not.toContain(`${DAY} new events`);
  await archive([impression({ ...v, impression_id: late?.impression_id, ...at(-13 * HOUR_MS) })]);
  expect(await dirty(advertiser)).toContain(`${DAY} new events`);
  expect(await world.recountChanged(advertiser, DAY)).toBe("published");
  expect(await verdicts()).toEqual({ ...expected, [late?.event_id ?? ""]: "valid" });
});

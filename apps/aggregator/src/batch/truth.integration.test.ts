import { dayBounds, dayOf } from "@trueclick/shared/calendar";
import type { StoredEvent } from "@trueclick/shared/event/stored";
import { rateAt } from "@trueclick/shared/pricing";
import { HOUR_MS, MINUTE_MS } from "@trueclick/shared/time";
import { quickVerdict } from "@trueclick/shared/verdict";
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { NOON_MS, storedEvent } from "../archive/testing/storedEvents.ts";
import { type BatchWorld, type CampaignSeed, openBatchWorld } from "./testing/batchWorld.ts";

let world: BatchWorld;
beforeAll(async () => {
  world = await openBatchWorld();
});
afterAll(() => world.close());

let serial = 0;
/** A name that no other case has used: cases share one archive, as tenants do. */
const fresh = (prefix: string) => {
  serial += 1;
  return `${prefix}_${String(serial).padStart(4, "0")}`;
};

/** What truth must say of the events of one advertiser's day. Written without looking at the SQL. */
function expectedTruth(
  sent: readonly StoredEvent[],
  campaigns: readonly CampaignSeed[],
  { fromMs, toMs }: { fromMs: number; toMs: number },
) {
  const known = new Map(campaigns.map((campaign) => [campaign.id, campaign]));
  const own = sent.filter(({ campaign_id }) => known.has(campaign_id ?? ""));
  own.sort((a, b) => a.ingest_time - b.ingest_time);
  const judged = own
    .map((event) => {
      const first = own.find(({ event_id }) => event_id === event.event_id) ?? event;
      const campaign = known.get(event.campaign_id ?? "") ?? { id: "", rates: [] };
      const verdict = first === event ? verdictOf(event, campaign) : copyVerdict(event, first);
      return { event, campaign, verdict };
    })
    .filter(({ event }) => event.event_time >= fromMs && event.event_time < toMs);
  const lines = [...Map.groupBy(judged, ({ campaign }) => campaign.id)]
    .sort()
    .map(([id, events]) => {
      const billed = events.filter(
        ({ event, verdict }) => verdict === "valid" && event.event_type === "click",
      );
      const users = new Set(billed.flatMap(({ event }) => event.user_id ?? []));
      const costs = billed.map(({ event, campaign }) => priceOf(event, campaign));
      return [id, BigInt(billed.length), costs.reduce((sum, cost) => sum + cost, 0n), users.size];
    });
  const rejects = judged.filter(({ verdict }) => verdict !== "valid");
  return {
    lines,
    rejects: rejects.map(({ event, verdict }) => `${event.event_id} ${verdict}`).sort(),
  };
}

function priceOf(event: StoredEvent, { rates }: CampaignSeed): bigint {
  const sorted = rates.map(([effectiveFromMs, cpcMicros]) => ({ effectiveFromMs, cpcMicros }));
  return rateAt(sorted, event.event_time)?.cpcMicros ?? 0n;
}

function verdictOf(event: StoredEvent, { startsMs = 0, endsMs = Infinity }: CampaignSeed): string {
  const quick = quickVerdict({
    test: event.test === true,
    campaignKnown: true,
    flags: event.flags,
  });
  const isActive = event.event_time >= startsMs && event.event_time < endsMs;
  return quick === "valid" && !isActive ? "inactive_campaign" : quick;
}

function copyVerdict(copy: StoredEvent, first: StoredEvent): string {
  const said = ({
    event_type,
    event_time,
    campaign_id,
    ad_id,
    publisher_id,
    user_id,
  }: StoredEvent) =>
    JSON.stringify([event_type, event_time, campaign_id, ad_id, publisher_id, user_id]);
  return said(copy) === said(first) ? "duplicate" : "id_conflict";
}

/** Events as they may come: retries, reused ids, bots, tests, all around the two ends of the day. */
const ledger = fc.array(
  fc.record({
    id: fc.nat({ max: 25 }),
    minutes: fc.oneof(fc.integer({ min: -90, max: 90 }), fc.integer({ min: 1_350, max: 1_530 })),
    campaign: fc.constantFrom("a", "b", "foreign", "unknown"),
    ad: fc.constantFrom("ad_1", "ad_2"),
    user: fc.constantFrom("u1", "u2", undefined),
    type: fc.constantFrom("click" as const, "click" as const, "impression" as const),
    flag: fc.constantFrom("token_absent" as const, "bot_user_agent" as const, "prefetch" as const),
    test: fc.constantFrom(false, false, false, true),
    retries: fc.nat({ max: 2 }),
  }),
  // As many as allowed: with few events, ids hardly ever meet again in another hour.
  { minLength: 1, maxLength: 60, size: "max" },
);

// The oracle is what an advertiser would do by hand with the events. If this fails, bills are wrong.
it("counts and prices any day as a plain recount of what was sent does", async () => {
  await fc.assert(
    fc.asyncProperty(
      ledger,
      fc.constantFrom("Asia/Kathmandu", "America/New_York", "Australia/Lord_Howe", "UTC"),
      fc.array(fc.nat(), { minLength: 200, maxLength: 200 }),
      // A quiet day is judged at once, a busy one hour by hour: no number may depend on that.
      fc.constantFrom(1, 10, 500_000),
      async (drawn, timeZone, ranks, sliceRowsMax) => {
        const [advertiser, other, run] = [fresh("adv"), fresh("adv"), fresh("run")];
        const day = dayOf(NOON_MS, timeZone);
        const bounds = dayBounds(day, timeZone);
        const middleMs = bounds.fromMs + 12 * HOUR_MS;
        const campaigns: CampaignSeed[] = [
          {
            id: `a-${run}`,
            rates: [
              [0, 250_000n],
              [middleMs, 300_001n],
            ],
          },
          {
            id: `b-${run}`,
            startsMs: bounds.fromMs + 30 * MINUTE_MS,
            endsMs: bounds.toMs - 30 * MINUTE_MS,
            rates: [[middleMs, 7n]],
          },
        ];
        await world.addAdvertiser(advertiser, { timeZone, campaigns });
        await world.addAdvertiser(other, {
          timeZone,
          campaigns: [{ id: `foreign-${run}`, rates: [] }],
        });

        const events = drawn.map((one) =>
          storedEvent({
            event_id: `${run}-${one.id}`,
            event_time: bounds.fromMs + one.minutes * MINUTE_MS,
            campaign_id: `${one.campaign}-${run}`,
            ad_id: one.ad,
            event_type: one.type,
            flags: [one.flag],
            test: one.test,
            ...(one.user === undefined ? {} : { user_id: one.user }),
          }),
        );
        const copies = events.flatMap((event, at) =>
          Array(1 + (drawn[at]?.retries ?? 0)).fill(event),
        );
        const sent = copies.map((event: StoredEvent, at): StoredEvent => {
          // No two copies are taken at one time, in an order that has nothing to do with the log's.
          return { ...event, ingest_time: NOON_MS + ((ranks[at % 200] ?? 0) % 1_000) * 1_000 + at };
        });
        await world.archive.append(sent, bounds.toMs + 2 * HOUR_MS);
        await world.archive.archiveAll();
        expect(await world.recount(advertiser, day, { ...world.stores, sliceRowsMax })).toBe(
          "published",
        );

        const truth = await world.current(advertiser, day);
        const expected = expectedTruth(sent, campaigns, bounds);
        expect(
          truth?.rejects.map(({ eventId, verdict }) => `${eventId} ${verdict}`).sort(),
        ).toEqual(expected.rejects);
        expect(
          truth?.lines.map(({ campaignId, clicks, costMicros, uniqueUsers }) => [
            campaignId,
            clicks,
            costMicros,
            Number(uniqueUsers),
          ]),
        ).toEqual(expected.lines);
        expect(truth?.cube.map(({ costMicros }) => costMicros)).toEqual(
          truth?.lines.map(({ costMicros }) => costMicros),
        );
      },
    ),
    // Cases share an archive that grows; shrinking would only be slow.
    { numRuns: 8, endOnFailure: true },
  );
}, 240_000);

const CASES = [
  ["a day of 25 hours", "America/New_York", "2026-11-01", 25 * HOUR_MS],
  ["a day of 23 hours", "Europe/Berlin", "2026-03-29", 23 * HOUR_MS],
  ["a day of 24 and a half hours", "Australia/Lord_Howe", "2026-04-05", 24.5 * HOUR_MS],
  ["a zone of quarter hours", "Asia/Kathmandu", "2026-03-10", 24 * HOUR_MS],
] as const;

// I12. A click in the last minute of a day belongs to that day's bill, wherever the advertiser is.
it.each(CASES)(
  "bills %s from its first millisecond to its last",
  async (_what, timeZone, day, lengthMs) => {
    const [advertiser, campaign] = [fresh("adv"), fresh("cmp")];
    const { fromMs, toMs } = dayBounds(day, timeZone);
    expect(toMs - fromMs).toBe(lengthMs);
    await world.addAdvertiser(advertiser, {
      timeZone,
      campaigns: [{ id: campaign, rates: [[0, 1n]] }],
    });
    const times = [fromMs - 1, fromMs, toMs - 1, toMs];
    await world.archive.append(
      times.map((timeMs) =>
        storedEvent({ event_id: fresh("edge-event"), event_time: timeMs, campaign_id: campaign }),
      ),
      toMs,
    );
    await world.archive.archiveAll();
    await world.recount(advertiser, day);
    expect((await world.current(advertiser, day))?.lines).toMatchObject([
      { clicks: 2n, costMicros: 2n },
    ]);
  },
);

it("prices by the rate in force at the click, to the millisecond of its change", async () => {
  const [advertiser, campaign] = [fresh("adv"), fresh("cmp")];
  const day = dayOf(NOON_MS, "UTC");
  await world.addAdvertiser(advertiser, {
    timeZone: "UTC",
    campaigns: [
      {
        id: campaign,
        rates: [
          [NOON_MS - HOUR_MS, 9_007_199_254_740_993n],
          [NOON_MS, 3n],
        ],
      },
    ],
  });
  const at = [NOON_MS - HOUR_MS - 1, NOON_MS - 1, NOON_MS, NOON_MS + 1];
  await world.archive.append(
    at.map((timeMs) =>
      storedEvent({ event_id: fresh("priced-event"), event_time: timeMs, campaign_id: campaign }),
    ),
  );
  await world.archive.archiveAll();
  await world.recount(advertiser, day);
  // Before the first rate a click is free; past 2^53 a float would lose the last digit.
  expect((await world.current(advertiser, day))?.lines).toMatchObject([
    { clicks: 4n, costMicros: 9_007_199_254_740_999n },
  ]);
});

it("publishes a day without events, so that it can be final", async () => {
  const advertiser = fresh("adv");
  await world.addAdvertiser(advertiser, { timeZone: "UTC", campaigns: [] });
  expect(await world.recount(advertiser, "2026-01-01")).toBe("published");
  expect(await world.current(advertiser, "2026-01-01")).toMatchObject({
    version: 1,
    lines: [],
    costMicros: 0n,
  });
  expect(await world.recount(advertiser, "2026-01-01")).toBe("verified");
});

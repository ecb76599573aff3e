import { NOON_MS, storedEvent } from "@trueclick/archive/testing/storedEvents";
import { attributionWindows } from "@trueclick/db/postgres/schema/attribution";
import { ruleVersions } from "@trueclick/db/postgres/schema/rules";
import { addDays, dayBounds, dayOf } from "@trueclick/shared/calendar";
import type { StoredEvent } from "@trueclick/shared/event/stored";
import { advertiserIdSchema, campaignIdSchema } from "@trueclick/shared/ids";
import { HOUR_MS } from "@trueclick/shared/time";
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { oracleConversions } from "./testing/attributionOracle.ts";
import { type BatchWorld, openBatchWorld } from "./testing/batchWorld.ts";
import { decide } from "./testing/decide.ts";
import { AGENTS, campaignsOf, decisionsOf, ledger, ranks, sentOf } from "./testing/ledger.ts";
import { oracleTruth } from "./testing/oracle.ts";

let world: BatchWorld;
beforeAll(async () => {
  world = await openBatchWorld();
  // Days long past are counted here, which the index of copies would have forgotten.
  for (const table of ["event_index", "token_uses"]) {
    await world.archive.clickhouse.command({ query: `ALTER TABLE ${table} REMOVE TTL` });
  }
  const audit = { version: 2, enabled: true, reason: "test", createdBy: "test" };
  await world.archive.db.insert(ruleVersions).values([
    {
      ...audit,
      ruleId: "double_click",
      parameters: { seconds: 60 },
      effectiveFrom: new Date(STRICTER_MS),
    },
    {
      ...audit,
      ruleId: "velocity_user",
      parameters: { seconds: 60, clicks_max: CLICKS_PER_MINUTE_MAX },
      effectiveFrom: new Date(0),
    },
  ]);
});
afterAll(() => world.close());

let serial = 0;
/** A name that no other case has used: cases share one archive, as tenants do. */
const fresh = (prefix: string) => {
  serial += 1;
  return `${prefix}_${String(serial).padStart(4, "0")}`;
};

/** From this instant of event time on, clicks within a minute are double clicks. */
const STRICTER_MS = Date.parse("2026-06-01T12:00:00Z");
/** So few that the ledgers here have people who click more. */
const CLICKS_PER_MINUTE_MAX = 3;
const DAYS = [
  ["America/New_York", "2026-11-01"],
  ["Europe/Berlin", "2026-03-29"],
  ["Australia/Lord_Howe", "2026-04-05"],
  ["Asia/Kathmandu", "2026-03-10"],
  ["UTC", "2026-06-01"],
] as const;

/** The middle of a day, from which on campaign `a` credits clicks of 24 hours only. */
const shorterFrom = ({ fromMs }: { fromMs: number }) => fromMs + 12 * HOUR_MS;

async function shortenWindow(advertiser: string, campaign: string, fromMs: number): Promise<void> {
  await world.archive.db.insert(attributionWindows).values({
    advertiserId: advertiserIdSchema.parse(advertiser),
    campaignId: campaignIdSchema.parse(campaign),
    windowDays: 1,
    effectiveFrom: new Date(fromMs),
    reason: "test",
    createdBy: "test",
  });
}

// The oracle is what an advertiser would do by hand with the events. If this fails, bills are wrong.
it.each(DAYS)(
  "counts, judges and prices the days around a day in %s as a plain recount of what was sent does",
  async (timeZone, day) => {
    await fc.assert(
      fc.asyncProperty(
        // Two sets of campaigns of one advertiser, which have nothing to do with one another.
        fc.tuple(ledger, ledger),
        ranks,
        // A quiet day is judged at once, a busy one hour by hour: no number may depend on that.
        fc.shuffledSubarray([25, 500_000, 500_000, 25], { minLength: 4 }),
        async (ledgers, order, slicesMax) => {
          const [advertiser, other] = [fresh("adv"), fresh("adv")];
          const runs = ledgers.map(() => fresh("run"));
          const bounds = dayBounds(day, timeZone);
          const campaigns = runs.flatMap((run) => campaignsOf(run, bounds));
          await world.addAdvertiser(advertiser, { timeZone, campaigns });
          const foreign = runs.map((run) => ({ id: `foreign-${run}`, rates: [] }));
          await world.addAdvertiser(other, { timeZone, campaigns: foreign });
          const decisions = runs.flatMap((run) => decisionsOf(run, bounds));
          await decide(world.archive.db, decisions);
          const shortened = runs.map((run) => `a-${run}`);
          for (const one of shortened) await shortenWindow(advertiser, one, shorterFrom(bounds));

          const sets = ledgers.map((drawn, at) =>
            sentOf(drawn, order, runs[at] ?? "", bounds).map((event) => {
              // Of two copies of one event one is the first; those of the two sets never meet.
              return { ...event, ingest_time: event.ingest_time + at * 500 };
            }),
          );
          const sent = sets.flat();
          const half = (from: number, to?: number) =>
            sets.flatMap((set) => set.slice(from * set.length, to && to * set.length));
          const storesOf = (at: number) => {
            return { ...world.stores, sliceRowsMax: slicesMax[at] ?? 25 };
          };
          const archive = async (part: readonly StoredEvent[]) => {
            if (part.length > 0) await world.archive.append(part, bounds.toMs + 30 * HOUR_MS);
            await world.archive.archiveAll();
          };
          await archive(half(0, 0.5));
          await world.recount(advertiser, day, storesOf(0));
          await archive(half(0.5));

          const oracle = {
            sent,
            campaigns,
            decisions,
            notBrowsers: new Set(AGENTS.slice(2).filter((agent) => agent !== undefined)),
            clicksPerMinuteMax: CLICKS_PER_MINUTE_MAX,
            doubleClickSecondsAt: (timeMs: number) => (timeMs >= STRICTER_MS ? 60 : 30),
          };
          const windowDaysOf = ({ campaign_id, event_time }: StoredEvent) =>
            shortened.includes(campaign_id ?? "") && event_time >= shorterFrom(bounds) ? 1 : 30;
          for (const [at, near] of [addDays(day, -1), day, addDays(day, 1)].entries()) {
            await world.recount(advertiser, near, storesOf(at + 1));
            const nearBounds = dayBounds(near, timeZone);
            await compare(advertiser, near, oracleTruth(oracle, nearBounds));
            const expected = oracleConversions(oracle, nearBounds, windowDaysOf);
            await compareConversions(advertiser, near, expected);
          }
        },
      ),
      // Cases share an archive that grows; shrinking would only be slow.
      { numRuns: 1, endOnFailure: true },
    );
  },
  240_000,
);

async function compare(
  advertiser: string,
  day: string,
  expected: ReturnType<typeof oracleTruth>,
): Promise<void> {
  const truth = await world.current(advertiser, day);
  expect(truth?.rejects.map(({ eventId, verdict }) => `${eventId} ${verdict}`).sort()).toEqual(
    expected.rejects,
  );
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
}

async function compareConversions(
  advertiser: string,
  day: string,
  expected: readonly string[],
): Promise<void> {
  const truth = await world.current(advertiser, day);
  expect(await world.conversions(truth?.jobId ?? 0n)).toEqual(expected);
  const credited = expected.filter((text) => !/ no_(click|identity) /.test(text));
  const lines = truth?.lines ?? [];
  expect(lines.reduce((sum, line) => sum + Number(line.attributedConversions), 0)).toBe(
    credited.length,
  );
  expect(lines.reduce((sum, line) => sum + Number(line.attributedValueMicros), 0)).toBe(
    credited.reduce((sum, text) => sum + Number(text.split(" ").at(-1)), 0),
  );
}

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

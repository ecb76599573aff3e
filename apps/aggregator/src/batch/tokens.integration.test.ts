import { createFolderObjects } from "@trueclick/archive/clickhouseObjects";
import { NOON_MS, storedEvent } from "@trueclick/archive/testing/storedEvents";
import { archiveObjects } from "@trueclick/db/postgres/schema/archive";
import { addDays, dayOf } from "@trueclick/shared/calendar";
import type { StoredEvent } from "@trueclick/shared/event/stored";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "@trueclick/shared/time";
import { isNull } from "drizzle-orm";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createClickHouseCopySearch } from "./adapters/clickhouseCopySearch.ts";
import { type BatchWorld, openBatchWorld } from "./testing/batchWorld.ts";

const DAY = dayOf(NOON_MS, "UTC");
const ROBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";

let world: BatchWorld;
beforeAll(async () => {
  world = await openBatchWorld();
});
afterAll(() => world.close());

let serial = 0;
const fresh = (prefix: string) => {
  serial += 1;
  return `${prefix}_${String(serial).padStart(5, "0")}`;
};

async function newAdvertiser() {
  const [advertiser, campaign] = [fresh("adv"), fresh("cmp")];
  await world.addAdvertiser(advertiser, {
    timeZone: "UTC",
    campaigns: [{ id: campaign, rates: [[0, 5n]] }],
  });
  return { advertiser, campaign };
}

/** A user agent that no other event has: what it is must be told from the other day alone. */
const agentOf = ({ user_agent }: Partial<StoredEvent>) =>
  user_agent === undefined ? {} : { user_agent: `${user_agent} ${fresh("build")}` };

/** Clicks, each in an object of its own unless they are of one hour. */
async function archive(clicks: readonly StoredEvent[]): Promise<void> {
  await world.archive.append(clicks, NOON_MS + 4 * DAY_MS);
  await world.archive.archiveAll();
}

/** A new advertiser with clicks that bear one good token, each of another person. */
async function replay(clicks: readonly Partial<StoredEvent>[]) {
  const { advertiser, campaign } = await newAdvertiser();
  const impression = fresh("impression");
  const sent = clicks.map((fields) => {
    const token = { flags: ["token_ok" as const], impression_id: impression };
    return storedEvent({ event_id: fresh("event"), campaign_id: campaign, ...token, ...fields });
  });
  await archive(sent);
  const verdictsOf = async (day = DAY) => {
    await world.recount(advertiser, day);
    const truth = await world.current(advertiser, day);
    const rejects = new Map(truth?.rejects.map(({ eventId, verdict }) => [eventId, verdict]));
    const own = sent.filter(({ event_time }) => dayOf(event_time, "UTC") === day);
    expect(truth?.cube.reduce((sum, { events }) => sum + events, 0)).toBeGreaterThanOrEqual(
      own.length,
    );
    return own.map(({ event_id }) => rejects.get(event_id) ?? "valid");
  };
  return { advertiser, campaign, impression, sent, verdictsOf };
}

const after = (ms: number) => ({ event_time: NOON_MS + ms });

it.each([
  ["a minute later", [after(0), after(MINUTE_MS)]],
  ["an hour later", [after(0), after(HOUR_MS)]],
  ["at other ends of the day", [after(-12 * HOUR_MS), after(11 * HOUR_MS), after(0)]],
])("counts a token once that is replayed %s, with the rule as evidence", async (_when, clicks) => {
  const { advertiser, verdictsOf } = await replay(clicks);
  const byIngest = clicks.map(({ event_time }) => event_time);
  const first = Math.min(...byIngest);
  expect(await verdictsOf()).toEqual(byIngest.map((ms) => (ms === first ? "valid" : "unlinked")));
  const matched = await world.archive.clickhouse.query({
    query: `SELECT DISTINCT matched FROM truth_rejects WHERE advertiser_id = {advertiser: String}`,
    query_params: { advertiser },
    format: "JSONEachRow",
  });
  expect(await matched.json()).toEqual([{ matched: ["token_replayed@1"] }]);
});

it("counts a token once that is replayed days later, whichever day is counted first", async () => {
  const clicks = [after(0), after(DAY_MS), after(3 * DAY_MS)];
  const { verdictsOf } = await replay(clicks);
  for (const days of [3, 0, 1]) {
    expect(await verdictsOf(addDays(DAY, days))).toEqual([days === 0 ? "valid" : "unlinked"]);
  }
});

// The first to come counts, whatever its sender says of the time.
it("goes by the order of coming, not by what the sender says of the time", async () => {
  const { verdictsOf } = await replay([
    { ...after(0), ingest_time: NOON_MS + 5 * HOUR_MS },
    { ...after(2 * HOUR_MS), ingest_time: NOON_MS + 2 * HOUR_MS },
  ]);
  expect(await verdictsOf()).toEqual(["unlinked", "valid"]);
});

it.each<[string, Partial<StoredEvent>, string]>([
  ["robot", { user_agent: ROBOT }, "bot_user_agent"],
  ["robot of the edge's list", { flags: ["token_ok", "bot_user_agent"] }, "bot_user_agent"],
  ["browser that loads ahead", { flags: ["token_ok", "prefetch"] }, "prefetch"],
  ["data centre", { flags: ["token_ok", "datacenter_ip"] }, "datacenter_ip"],
  ["test", { test: true }, "test"],
])(
  "lets no %s use a token up, in the same hour or on another day",
  async (_who, fields, verdict) => {
    const { verdictsOf } = await replay([
      { ...fields, ...agentOf(fields), ...after(-DAY_MS) },
      { ...fields, ...after(0) },
      after(MINUTE_MS),
      after(HOUR_MS),
    ]);
    expect(await verdictsOf()).toEqual([verdict, "valid", "unlinked"]);
  },
);

// The link gives one id to all clicks of an impression; who posts them gives others.
it("counts a click of a link once beside its posted replays, and its copies as duplicates", async () => {
  const link = { event_id: fresh("link"), user_id: "u" };
  const { advertiser, verdictsOf } = await replay([
    { ...link, ...after(0) },
    { ...link, ...after(0), ingest_time: NOON_MS + MINUTE_MS },
    after(2 * MINUTE_MS),
    after(25 * HOUR_MS),
  ]);
  expect(await verdictsOf(addDays(DAY, 1))).toEqual(["unlinked"]);
  await verdictsOf();
  expect(await world.current(advertiser, DAY)).toMatchObject({
    lines: [{ clicks: 1n, duplicateClicks: 1n }],
    verdictCounts: { valid: 1, duplicate: 1, unlinked: 1 },
  });
});

it("counts another ad of the impression, and what bears no good token, by themselves", async () => {
  const { verdictsOf } = await replay([
    after(0),
    { ...after(MINUTE_MS), ad_id: "ad_2" },
    { ...after(MINUTE_MS), flags: ["token_absent"] },
    { ...after(MINUTE_MS), impression_id: undefined },
    { ...after(MINUTE_MS), event_type: "impression" },
    { ...after(MINUTE_MS), impression_id: fresh("impression") },
  ]);
  expect(await verdictsOf()).toEqual(Array(6).fill("valid"));
});

it.each([0, DAY_MS])("lets no other tenant take a use away, %d ms before", async (before) => {
  const { verdictsOf, impression, campaign } = await replay([after(0), after(DAY_MS)]);
  const other = await newAdvertiser();
  const token = { flags: ["token_ok" as const], impression_id: impression, ...after(-before) };
  const stolen = { ...token, ingest_time: NOON_MS - 2 * DAY_MS };
  await archive(
    [other.campaign, "cmp_nobody"].map((of) =>
      storedEvent({ event_id: fresh("event"), campaign_id: of, ...stolen }),
    ),
  );
  expect(await verdictsOf()).toEqual(["valid"]);
  await world.recount(other.advertiser, dayOf(NOON_MS - before, "UTC"));
  const theirs = await world.current(other.advertiser, dayOf(NOON_MS - before, "UTC"));
  expect(theirs).toMatchObject({ lines: [{ clicks: 1n }] });
  const pinned = (await world.jobs()).map(({ inputs }) => JSON.stringify(inputs));
  expect(pinned.some((text) => text.includes(`"${campaign}"`))).toBe(true);
});

// I5: what was read is in the pinned inputs, and the same inputs are the same truth.
it("pins the objects of other days with uses, and comes to the same again", async () => {
  const { advertiser, verdictsOf, campaign, impression } = await replay([after(DAY_MS)]);
  const day = addDays(DAY, 1);
  expect(await verdictsOf(day)).toEqual(["valid"]);
  const token = { flags: ["token_ok" as const], impression_id: impression };
  await archive([
    storedEvent({ event_id: fresh("event"), campaign_id: campaign, ...token, ...after(0) }),
  ]);
  expect(await verdictsOf(day)).toEqual(["unlinked"]);
  expect(await world.recountChanged(advertiser, day)).toBe("verified");
  const jobs = (await world.jobs()).filter((job) => job.advertiserId === advertiser);
  expect(new Set(jobs.map(({ inputsHash }) => inputsHash)).size).toBe(2);
  const last = JSON.stringify(jobs.at(-1)?.inputs);
  const hour = new Date(NOON_MS).toISOString().slice(0, 13);
  expect(last).toContain(`raw/event_hour=${hour}`);
});

// What cannot be read now is looked for again, and stops no other day.
it("finds the uses of an object when it can be read again", async () => {
  const { verdictsOf } = await replay([after(0), after(DAY_MS)]);
  const { db, clickhouse, objectsDir, topic } = world.archive;
  const elsewhere = createFolderObjects(`${objectsDir}-gone`);
  await createClickHouseCopySearch(db, clickhouse, elsewhere, topic).search();
  const left = db.select().from(archiveObjects).where(isNull(archiveObjects.copiesSearchedAt));
  expect(await left).toHaveLength(2);
  expect(await verdictsOf(addDays(DAY, 1))).toEqual(["unlinked"]);
  expect(await left).toEqual([]);
});

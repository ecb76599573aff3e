/** What is remembered of the hot store is what would be read now, whatever the pipeline does in between. */

import { advertiserIdSchema } from "@trueclick/shared/ids";
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "@trueclick/shared/time";
import { eq } from "drizzle-orm";
import { afterAll, beforeAll, expect, it } from "vitest";
import { hotLineHours } from "../postgres/schema/hotLines.ts";
import { streamCheckpoints, streamDirtyHours } from "../postgres/schema/stream.ts";
import { AnswerMemo } from "../queries/answerMemo.ts";
import { writeHotLines } from "../queries/writeHotLines.ts";
import type { Stores } from "../stores.ts";
import { fillCorrections, fillStreamRejects } from "../testing/fillEvents.ts";
import { fillAdvertiser, fillHot, fillHotUsers } from "../testing/fillStores.ts";
import { markLateHour, moveRollup } from "../testing/hotStoreState.ts";
import { openTestStores, type TestStores } from "../testing/testStores.ts";
import { runReport } from "./report.ts";
import type { ReportQuery } from "./reportQuery.ts";

const TOPIC = "clicks.raw";
/** The tables forget hours that are long past, so these are of the last ones. */
const NOW_MS = Math.floor(Date.now() / HOUR_MS) * HOUR_MS + 30 * MINUTE_MS;
const HOURS = 10;
const FIRST_MS = NOW_MS - 30 * MINUTE_MS - HOURS * HOUR_MS;
const hourAt = (hour: number) => FIRST_MS + hour * HOUR_MS;
const iso = (ms: number) => new Date(ms).toISOString();

const query: ReportQuery = {
  scope: { kind: "advertisers", ids: [advertiserIdSchema.parse("acme")] },
  mode: "dashboard",
  fromMs: FIRST_MS,
  toMs: NOW_MS,
  granularity: "hour",
  dimensions: [],
  timeZone: "UTC",
  filters: {},
};
const QUESTIONS: readonly Partial<ReportQuery>[] = [
  {},
  { granularity: "day", dimensions: ["campaign"] },
  { granularity: "total", scope: { kind: "all" }, dimensions: ["geo", "advertiser"] },
  { granularity: "day", timeZone: "Asia/Kolkata", fromMs: FIRST_MS + 20 * MINUTE_MS },
  // Settled hours alone, from the first rollup on.
  { toMs: hourAt(4) },
];
const LINED: readonly Partial<ReportQuery>[] = [
  { granularity: "total", scope: { kind: "all" }, dimensions: ["advertiser", "campaign"] },
  { dimensions: ["campaign"], filters: { campaign: ["acme-2"] } },
  { filters: { campaign: ["acme-1", "acme-2"] } },
  { scope: { kind: "all" }, dimensions: ["advertiser"] },
  { scope: { kind: "all" } },
];

let stores: TestStores;
let clicks = 0;
let offsets = 0;
function nextOffset(): number {
  offsets += 1;
  return offsets;
}

beforeAll(async () => {
  stores = await openTestStores();
  for (const id of ["acme", "other"]) {
    await fillAdvertiser(stores, { id, campaigns: [`${id}-1`, `${id}-2`] });
  }
  for (let hour = 0; hour < HOURS; hour += 1) await stream(hour);
  await rollUp(4);
});
afterAll(() => stores.close());

const CAMPAIGNS = ["acme-1", "acme-2", "other-1"].map((campaign) => ({
  advertiser: campaign.slice(0, -2),
  campaign,
}));

/** Into an hour, before and behind where a range may cut it. */
const MINUTES = [5, 25];

let flushes = 0n;
/** Says that there may be rows of one more record, as the stream does before it writes them. */
async function announce(): Promise<void> {
  flushes += 1n;
  const key = { topic: TOPIC, partition: 0, epoch: 1n };
  await stores.db
    .insert(streamCheckpoints)
    .values({ ...key, nextOffset: 0n, restartOffset: 0n, announcedOffset: flushes })
    .onConflictDoUpdate({
      target: [streamCheckpoints.topic, streamCheckpoints.partition],
      set: { announcedOffset: flushes },
    });
}

async function commit(): Promise<void> {
  await stores.db.update(streamCheckpoints).set({ nextOffset: flushes, updatedAt: new Date() });
}

/** A flush of counts of an hour. */
async function stream(hour: number): Promise<void> {
  await announce();
  await writeRows(hour);
  await commit();
}

/** Counts of an hour as the stream writes them: more than before, with users and evidence. */
async function writeRows(hour: number): Promise<void> {
  clicks += 1;
  const times = MINUTES.map((minute) => iso(hourAt(hour) + minute * MINUTE_MS));
  const counts = { clicks, invalid: clicks, duplicates: 1, version: clicks };
  await fillHot(
    stores,
    times.flatMap((at) =>
      CAMPAIGNS.flatMap((whose) => [
        { ...whose, ...counts, at },
        { ...whose, ...counts, at, cube: "geo", value: clicks % 2 === 0 ? "DE" : "AT" },
      ]),
    ),
  );
  await writeUsers(hour);
  for (const { advertiser, campaign } of CAMPAIGNS) {
    const reason = "bot_user_agent";
    const events = times.map((at) => ({ campaign, at, offset: nextOffset(), reason }));
    await fillStreamRejects(stores, advertiser, events);
  }
}

async function writeUsers(hour: number): Promise<void> {
  const users = [1, clicks];
  await fillHotUsers(
    stores,
    CAMPAIGNS.map((whose) => ({ ...whose, hour: iso(hourAt(hour)), users })),
  );
}

/** As the rollup does: the rows, their lines, and then the border. */
async function rollUp(hour: number): Promise<void> {
  await stores.clickhouse.command({
    query: `INSERT INTO hot_hours (advertiser_id, cube, campaign_id, span_start, dimension_value,
        partition, clicks, invalid_clicks, duplicate_clicks, impressions, conversions, cost_micros)
      SELECT advertiser_id, cube, campaign_id, toStartOfHour(window_start) AS span_start,
        dimension_value, partition, sum(clicks), sum(invalid_clicks), sum(duplicate_clicks),
        sum(impressions), sum(conversions), sum(cost_micros)
      FROM hot_minutes FINAL WHERE window_start < fromUnixTimestamp({to: Int64}) GROUP BY ALL`,
    query_params: { to: hourAt(hour) / SECOND_MS },
  });
  const hours = Array.from({ length: hour }, (_none, at) => hourAt(at));
  await writeHotLines(stores, hours);
  await moveRollup(stores.db, TOPIC, hourAt(hour));
}

/** A late event of an hour, as the stream notes it with its checkpoint. */
async function mark(hour: number): Promise<void> {
  await markLateHour(stores.db, TOPIC, hourAt(hour));
}

/** What a backfill writes of an hour: greater counts, users, and evidence put right. */
async function recount(hour: number): Promise<void> {
  clicks += 10;
  await stores.clickhouse.insert({
    table: "hot_hours",
    format: "JSONEachRow",
    values: CAMPAIGNS.flatMap((whose) =>
      ["ad", "geo"].map((cube) => ({
        ...{ advertiser_id: whose.advertiser, campaign_id: whose.campaign, cube, partition: 0 },
        ...{ span_start: hourAt(hour) / SECOND_MS, clicks, invalid_clicks: clicks },
        dimension_value: cube === "ad" ? "ad_1" : "DE",
      })),
    ),
  });
  await writeUsers(hour);
  const at = iso(hourAt(hour) + 5 * MINUTE_MS);
  for (const { advertiser, campaign } of CAMPAIGNS) {
    const event = { campaign, at, offset: nextOffset(), reason: "prefetch" };
    await fillCorrections(stores, advertiser, [event]);
  }
}

async function heal(hour: number): Promise<void> {
  await writeHotLines(stores, [hourAt(hour)]);
  await stores.db
    .update(streamDirtyHours)
    .set({ healedAt: new Date() })
    .where(eq(streamDirtyHours.eventHour, new Date(hourAt(hour))));
}

/** What is remembered of lines. */
const ofLines = new AnswerMemo();

async function setLines(state: "kept" | "failed"): Promise<void> {
  await stores.db.update(hotLineHours).set({ state });
}

function ask(of: Stores, questions = QUESTIONS) {
  return Promise.all(questions.map((asked) => runReport(of, { ...query, ...asked }, NOW_MS)));
}

async function expectAsRead(step: string): Promise<void> {
  const { memo: _, ...forgetful } = stores;
  await setLines("failed");
  const [remembered, read] = await Promise.all([ask(stores), ask(forgetful)]);
  await setLines("kept");
  const lined = await ask({ ...forgetful, memo: ofLines }, QUESTIONS.slice(0, 1));
  expect(remembered, `after ${step}`).toEqual(read);
  expect(lined, `by lines, after ${step}`).toEqual(read.slice(0, 1));
  for (const { rows } of read) expect(rows, step).not.toEqual([]);
}

/** For a loaded machine: some hundred reports. */
const PATIENCE_MS = 180_000;

it("answers as if it was read, after whatever is written in the pipeline's order", {
  timeout: PATIENCE_MS,
}, async () => {
  const steps: readonly (readonly [string, () => Promise<unknown>])[] = [
    ["clicks of hours that are not rolled up", () => stream(9).then(() => stream(5))],
    ["an announcement", announce],
    ["rows that are not committed", () => writeRows(9)],
    ["their commit", commit],
    ["all that is counted again, up to the same record", () => writeRows(9).then(commit)],
    ["a mark", () => mark(2)],
    ["the recount of a marked hour", () => recount(2)],
    ["the healing", () => heal(2)],
    ["a mark of an hour healed before", () => mark(2)],
    ["a mark and the recount of another", () => mark(0).then(() => recount(0))],
    ["its healing, while the other waits", () => heal(0)],
    ["the recount and healing of the other", () => recount(2).then(() => heal(2))],
    ["a rollup", () => rollUp(7)],
    ["a rollup up to now", () => rollUp(HOURS)],
  ];
  await expectAsRead("the start");
  for (const [step, act] of steps) {
    await act();
    await expectAsRead(step);
  }
});

it("tells by lines what is read, of whatever they are asked for", async () => {
  const { memo: _, recent: __, ...forgetful } = stores;
  const lined = await ask(forgetful, LINED);
  await setLines("failed");
  expect(lined).toEqual(await ask(forgetful, LINED));
});

it("tells robots that a backfill found, and the others", async () => {
  const { rows } = await runReport(stores, query, NOW_MS);
  const givt = rows.map(({ gross_clicks, net_clicks }) => gross_clicks - (net_clicks ?? 0));
  const found = (hour: number) => givt[hour];
  // Of two campaigns: two of the stream, and two recounts of hour 2, one of hour 0.
  expect([0, 1, 2, 3].map(found)).toEqual([6, 4, 8, 4]);
});

it("reads minutes once, until the stream may have written more or they are not kept", async () => {
  const ask = (asked: Partial<ReportQuery> = {}, askedMs = NOW_MS) =>
    runReport(stores, { ...query, ...asked }, askedMs);
  // Back before the rollup: the last hours are told by minutes again.
  await rollUp(7);
  await stream(9);
  const minutes = { granularity: "minute", dimensions: ["campaign"] } as const;
  const [before, byMinute] = [await ask(), await ask(minutes)];
  expect(byMinute.rows).not.toEqual([]);
  for (const table of ["hot_minutes", "hot_users", "stream_rejects"]) {
    await stores.clickhouse.command({ query: `TRUNCATE TABLE ${table}` });
  }
  expect((await ask()).rows).toEqual(before.rows);
  expect((await ask(minutes)).rows).toEqual(byMinute.rows);
  const { scope } = QUESTIONS[2] ?? query;
  expect((await ask({ ...minutes, scope: scope ?? query.scope })).rows).toEqual([]);
  expect((await ask(minutes, NOW_MS + 2 * DAY_MS)).rows).toEqual([]);
  await announce();
  expect((await ask()).rows).not.toEqual(before.rows);
  await commit();
  expect((await ask(minutes)).rows).toEqual([]);
  await rollUp(HOURS);
});

it("reads settled hours once", async () => {
  await setLines("failed");
  const ask = (asked: Partial<ReportQuery> = {}) =>
    runReport(stores, { ...query, ...asked }, NOW_MS);
  const before = await ask();
  for (const table of ["hot_hours", "hot_users", "stream_rejects", "stream_corrections"]) {
    await stores.clickhouse.command({ query: `TRUNCATE TABLE ${table}` });
  }
  expect((await ask()).rows).toEqual(before.rows);
  // Where the range ends changes nothing about the hours before.
  const longer = await ask({ toMs: NOW_MS + MINUTE_MS });
  expect(longer.rows).toEqual(before.rows);
  await mark(9);
  await heal(9);
  expect((await ask()).rows).not.toEqual(before.rows);
});

/** The last hours of a series, told of what is known of everybody's, are what the engine tells of them. */
import { advertiserIdSchema } from "@trueclick/shared/ids";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "@trueclick/shared/time";
import { afterAll, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { streamCheckpoints, streamDirtyHours } from "../postgres/schema/stream.ts";
import { AnswerMemo } from "../queries/answerMemo.ts";
import { LATEST_AGE_MS_MAX, LatestAnswers } from "../queries/latestAnswers.ts";
import { readOpenLines } from "../queries/openHourLines.ts";
import { ASKERS_MIN, OpenHoursKept } from "../queries/openHours.ts";
import { writeHotLines } from "../queries/writeHotLines.ts";
import type { Stores } from "../stores.ts";
import type { TenantScope } from "../tenant.ts";
import { fillAdvertiser, fillHot, fillHotUsers, type HotFill } from "../testing/fillStores.ts";
import { markLateHour, moveRollup } from "../testing/hotStoreState.ts";
import { openTestStores, type TestStores } from "../testing/testStores.ts";
import { warmOpenHours } from "./openHourRows.ts";
import { runReport } from "./report.ts";
import type { DatedRows, ReportQuery } from "./reportQuery.ts";

const TOPIC = "clicks.raw";
/** The tables forget minutes that are long past, so these are of the last ones. */
const HOUR_NOW_MS = Math.floor(Date.now() / HOUR_MS) * HOUR_MS;
const NOW_MS = HOUR_NOW_MS + 30 * MINUTE_MS;
const OPEN_MS = HOUR_NOW_MS - HOUR_MS;
const CLOSED_MS = OPEN_MS - HOUR_MS;
const iso = (ms: number) => new Date(ms).toISOString();
const scopeOf = (...ids: string[]): TenantScope => ({
  kind: "advertisers",
  ids: ids.map((id) => advertiserIdSchema.parse(id)),
});
const query: ReportQuery = {
  ...{ scope: scopeOf("acme"), mode: "dashboard", fromMs: CLOSED_MS, toMs: NOW_MS },
  ...{ granularity: "hour", dimensions: [], timeZone: "UTC", filters: {} },
};

let stores: TestStores;
/** Without any memory: everything is read. */
let forgetful: Stores;
beforeAll(async () => {
  stores = await openTestStores();
  forgetful = { db: stores.db, clickhouse: stores.clickhouse };
  await fillAdvertiser(stores, { id: "acme", campaigns: ["acme-1", "acme-2"] });
  await fillAdvertiser(stores, { id: "other", campaigns: ["other-1"] });
  await fillAdvertiser(stores, { id: "usa", campaigns: ["usa-1"], currency: "USD" });
  await stores.clickhouse.insert({
    table: "hot_hours",
    format: "JSONEachRow",
    values: ["acme", "other", "usa"].map((id, at) => ({
      ...{ advertiser_id: id, campaign_id: `${id}-1`, cube: "ad", dimension_value: "ad_1" },
      ...{ span_start: CLOSED_MS / SECOND_MS, partition: 0, clicks: 7 + at, invalid_clicks: 0 },
    })),
  });
  await writeHotLines(stores, [CLOSED_MS]);
  await moveRollup(stores.db, TOPIC, OPEN_MS);
});
afterAll(() => stores.close());

const CAMPAIGNS = ["acme-1", "acme-2", "other-1", "usa-1", "nobody-1"];
const ownerOf = (campaign: string) => campaign.slice(0, campaign.indexOf("-"));

beforeEach(async () => {
  await stores.clickhouse.command({ query: "TRUNCATE TABLE hot_minutes" });
  await stores.clickhouse.command({ query: "TRUNCATE TABLE hot_users" });
  await stores.db.delete(streamDirtyHours);
  const cells = CAMPAIGNS.flatMap((campaign, at): HotFill[] => {
    const whose = { advertiser: ownerOf(campaign), campaign };
    const counts = { clicks: 3 + at, invalid: 2 + at, givt: 1 + at, duplicates: at, costMicros: 9 };
    return [
      { ...whose, ...counts, at: iso(OPEN_MS) },
      { ...whose, ...counts, at: iso(OPEN_MS + 59 * MINUTE_MS), partition: 1, value: "ad_2" },
      { ...whose, ...counts, at: iso(HOUR_NOW_MS + 20 * MINUTE_MS) },
      // Of another cube, of a version that is over, and of an hour that has closed.
      { ...whose, ...counts, at: iso(OPEN_MS), cube: "geo", value: "DE" },
      { ...whose, clicks: 90, givt: 0, at: iso(OPEN_MS), version: 0 },
      { ...whose, clicks: 900, givt: 0, at: iso(CLOSED_MS) },
    ];
  });
  // Two flushes: FINAL folds what no merge has.
  for (const isOver of [true, false]) {
    await fillHot(
      stores,
      cells.filter(({ version }) => (version === 0) === isOver),
    );
  }
  await fillHotUsers(
    stores,
    CAMPAIGNS.flatMap((campaign, at) =>
      [OPEN_MS, HOUR_NOW_MS].map((ms) => ({
        ...{ advertiser: ownerOf(campaign), campaign, hour: iso(ms) },
        // Some of them are there with two campaigns.
        users: ms === OPEN_MS ? [1, 2, 10 + at] : [1],
      })),
    ),
  );
  await commit();
});

let flushes = 0n;
/** A flush of the stream, in its order. */
async function flush(rows: readonly HotFill[] = []): Promise<void> {
  const next = { announcedOffset: flushes + 1n };
  await stores.db.update(streamCheckpoints).set(next);
  await fillHot(stores, rows);
  await commit();
}

async function commit(): Promise<void> {
  flushes += 1n;
  const set = { nextOffset: flushes, announcedOffset: flushes, updatedAt: new Date() };
  await stores.db
    .insert(streamCheckpoints)
    .values({ topic: TOPIC, partition: 0, epoch: 1n, restartOffset: 0n, watermarkMs: 5, ...set })
    .onConflictDoUpdate({ target: [streamCheckpoints.topic, streamCheckpoints.partition], set });
}

/** A process that has read everybody's. */
async function warmed(more: Partial<Stores> = {}): Promise<Stores> {
  const of = { ...forgetful, ...more, openHours: new OpenHoursKept() };
  await warmOpenHours(of, NOW_MS);
  return of;
}

async function ask(of: Stores, asked: Partial<ReportQuery> = {}, nowMs = NOW_MS) {
  const engine = vi.spyOn(stores.clickhouse, "query");
  const { rows, meta } = await runReport(of, { ...query, ...asked }, nowMs);
  const names = engine.mock.calls.map(([asked]) => asked.clickhouse_settings?.["log_comment"]);
  // Where the hot store of somebody begins is another question.
  const questions = names.filter((name) => !String(name).startsWith("hotFrom"));
  engine.mockRestore();
  return { rows, meta, questions, clicks: rows.map(({ clicks }) => clicks) };
}

const SCOPES: readonly TenantScope[] = [
  { kind: "all" },
  ...["acme", "nobody", "x') OR (1=1"].map((id) => scopeOf(id)),
  scopeOf("acme", "usa"),
  scopeOf(),
];
const WAYS: readonly Partial<ReportQuery>[] = [
  { dimensions: ["campaign"] },
  { dimensions: ["advertiser", "campaign"] },
  { dimensions: ["advertiser"], toMs: HOUR_NOW_MS },
  { filters: { campaign: ["acme-2"] }, toMs: HOUR_NOW_MS + HOUR_MS },
  { filters: { campaign: ["other-1"] } },
  { filters: { campaign: ["acme-1", "usa-1"] }, dimensions: ["campaign"] },
  { filters: { campaign: [] } },
  // It ends behind the last minute, and before now: who was there in its last hour is not known.
  { dimensions: ["campaign"], toMs: HOUR_NOW_MS + 25 * MINUTE_MS },
];

it("tells each scope what the statement under that scope tells, and asks the engine nothing", async () => {
  const of = await warmed();
  for (const scope of SCOPES) {
    for (const way of [
      ...WAYS,
      ...(scope.kind === "advertisers" && scope.ids.length < 2 ? [{}] : []),
    ]) {
      const [told, read] = [
        await ask(of, { scope, ...way }),
        await ask(forgetful, { scope, ...way }),
      ];
      expect({ scope, way, rows: told.rows }).toEqual({ scope, way, rows: read.rows });
      expect({ scope, way, questions: told.questions }).toEqual({ scope, way, questions: [] });
      expect(read.questions).toContain("hotReport");
    }
  }
  // Of two campaigns of one advertiser: who was there with both is one.
  const { rows } = await ask(of);
  expect(rows.map(({ unique_users }) => unique_users)).toEqual([null, 4, 1]);
  expect(rows.map(({ clicks, net_clicks }) => [clicks, net_clicks])).toEqual([
    [7, 7],
    [14, 18],
    [7, 9],
  ]);
});

it("leaves to the engine what it cannot tell", async () => {
  const of = await warmed();
  const ways: readonly Partial<ReportQuery>[] = [
    { dimensions: ["geo"] },
    { filters: { geo: ["DE"] } },
    { granularity: "total" },
    { granularity: "day" },
    { granularity: "minute" },
    // Users of several are united from their sets.
    { scope: { kind: "all" } },
    // It ends, or begins, within an hour.
    { toMs: HOUR_NOW_MS + 10 * MINUTE_MS },
    { fromMs: CLOSED_MS + MINUTE_MS },
    { fromMs: OPEN_MS },
  ];
  for (const way of ways) {
    const [told, read] = [await ask(of, way), await ask(forgetful, way)];
    expect({ way, rows: told.rows }).toEqual({ way, rows: read.rows });
    expect({ way, questions: told.questions }).toEqual({ way, questions: read.questions });
  }
});

it("tells for a moment what was so before a flush, says so, and remembers it as that", async () => {
  const memories = {
    memo: new AnswerMemo(),
    recent: new AnswerMemo(),
    latest: new LatestAnswers<DatedRows>(undefined, () => new Promise(() => {})),
  };
  const of = await warmed(memories);
  await stores.db.update(streamCheckpoints).set({ watermarkMs: 6 });
  await flush([
    { advertiser: "acme", campaign: "acme-1", at: iso(OPEN_MS + MINUTE_MS), clicks: 100, givt: 0 },
  ]);
  const soon = NOW_MS + LATEST_AGE_MS_MAX;
  const then = await ask(of, {}, soon);
  expect([then.clicks, then.questions]).toEqual([[7, 14, 7], []]);
  expect(then.meta).toMatchObject({ as_of: iso(NOW_MS), watermark: iso(5) });
  // Who asks of now is told of now, though the same was asked in this state.
  const now = await ask(of, {}, soon + 1);
  expect(now.clicks).toEqual([7, 114, 7]);
  expect(now.meta).toMatchObject({ as_of: iso(soon + 1), watermark: iso(6) });
});

it("is so now as long as nothing is written, and reads everybody's again where many ask", async () => {
  const of = await warmed();
  const later = NOW_MS + HOUR_MS / 4;
  const still = await ask(of, {}, later);
  expect([still.meta.as_of, still.questions]).toEqual([iso(later), []]);
  await flush([
    { advertiser: "acme", campaign: "acme-1", at: iso(OPEN_MS + MINUTE_MS), clicks: 100, givt: 0 },
  ]);
  for (let time = 1; time < ASKERS_MIN; time += 1) {
    const own = await ask(of, {}, later);
    expect([own.clicks, own.questions]).toEqual([
      [7, 114, 7],
      ["hotReport", "hotUsers"],
    ]);
  }
  const all = await ask(of, {}, later);
  expect([all.clicks, all.questions]).toEqual([
    [7, 114, 7],
    ["openHours", "openHours"],
  ]);
  const others = await ask(of, { scope: scopeOf("other") }, later);
  expect([others.clicks, others.questions]).toEqual([[8, 10, 5], []]);
});

it("tells nothing of hours that were ever to be counted again", async () => {
  const of = await warmed();
  await markLateHour(stores.db, TOPIC, OPEN_MS);
  const dirty = await ask(of);
  expect(dirty.questions).toEqual(expect.arrayContaining(["hotReport", "hotGivt", "hotUsers"]));
  await stores.db.update(streamDirtyHours).set({ healedAt: new Date(Date.now() + HOUR_MS) });
  expect((await ask(of)).questions).toContain("hotGivt");
  // Of other hours, all is as it was.
  await stores.db.delete(streamDirtyHours);
  await markLateHour(stores.db, TOPIC, CLOSED_MS - HOUR_MS);
  expect((await ask(of)).questions).toEqual([]);
});

it("tells nothing of minutes once they may be rolled up, or are not kept", async () => {
  const of = await warmed();
  await moveRollup(stores.db, TOPIC, CLOSED_MS);
  expect((await ask(of)).questions).not.toEqual([]);
  await moveRollup(stores.db, TOPIC, OPEN_MS);
  expect((await ask(of)).questions).toEqual([]);
  expect((await ask(of, {}, NOW_MS + 47 * HOUR_MS)).questions).toContain("hotReport");
});

it("leaves cells that do not know their robots to the evidence, of whoever has some", async () => {
  const cell = { at: iso(OPEN_MS), value: "ad_9", clicks: 1, invalid: 1, givt: -1 };
  await flush([{ advertiser: "acme", campaign: "acme-2", ...cell }]);
  const of = await warmed();
  expect((await ask(of)).questions).toContain("hotGivt");
  const campaign = { filters: { campaign: ["acme-1"] } };
  expect((await ask(of, campaign)).questions).toEqual([]);
  expect((await ask(of, { scope: scopeOf("other") })).questions).toEqual([]);
});

it("is not read where it is too much, and whoever asks is told all the same", async () => {
  await stores.clickhouse.command({
    query: `INSERT INTO hot_minutes (advertiser_id, cube, campaign_id, window_start, dimension_value,
        partition, clicks, invalid_clicks, duplicate_clicks, impressions, conversions, cost_micros,
        version, givt_clicks)
      SELECT 'large', 'ad', 'large-1', fromUnixTimestamp({from: Int64}), toString(number), 0, 1, 0, 0, 0,
        0, 1, 1, 0
      FROM numbers(500000)`,
    query_params: { from: OPEN_MS / SECOND_MS },
  });
  await expect(readOpenLines(stores, OPEN_MS)).rejects.toThrow("max_rows_to_read");
  const of = await warmed();
  for (let time = 0; time < 2 * ASKERS_MIN; time += 1) {
    const { clicks, questions } = await ask(of);
    expect([clicks, questions]).toEqual([
      [7, 14, 7],
      ["hotReport", "hotUsers"],
    ]);
  }
  await stores.clickhouse.command({ query: "TRUNCATE TABLE hot_minutes" });
  await expect(
    readOpenLines(stores, OPEN_MS, { max_result_rows: "3", result_overflow_mode: "throw" }),
  ).rejects.toThrow("max rows: 3.00");
});

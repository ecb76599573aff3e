import type { InstantRange } from "@trueclick/shared/calendar";
import { advertiserIdSchema } from "@trueclick/shared/ids";
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "@trueclick/shared/time";
import { type AdvertiserRow, listAdvertisers } from "../queries/advertisers.ts";
import { scopeOfCampaigns } from "../queries/campaignOwners.ts";
import {
  type HotHoursState,
  hotHoursState,
  type StreamState,
  streamState,
} from "../queries/streamState.ts";
import { type TruthPointer, truthAt } from "../queries/truthPointers.ts";
import type { Stores } from "../stores.ts";
import { narrowScope, type TenantScope } from "../tenant.ts";
import { bucketStartsMs } from "./buckets.ts";
import { hotFromMs, hotReport } from "./hotReport.ts";
import { settledHours } from "./hotSettled.ts";
import { type BucketParams, type CountedRows, mergeMeasured, trafficOf } from "./measures.ts";
import { finalDate, truthFinality } from "./reportFinality.ts";
import {
  DETAIL_DIMENSIONS,
  REPORT_DAYS_MAX,
  REPORT_ROWS_MAX,
  type ReportAnswer,
  type ReportMeta,
  type ReportQuery,
} from "./reportQuery.ts";
import { nameRows } from "./reportRows.ts";
import { ReportQueryError, type Route, routeReport } from "./route.ts";
import { truthReport } from "./truthReport.ts";

/** Most truth versions that a report reads: they travel in the address of a request. */
const VERSIONS_READ_MAX = 20_000;
/** Most truth versions that an answer lists. */
const VERSIONS_LISTED_MAX = 1_000;

/**
 * Answers a report from the store that its mode, range and dimensions call for, and says which.
 *
 * @throws {ReportQueryError} naming the parameter, if no store can answer or the answer would have
 *   more than `REPORT_ROWS_MAX` rows.
 * @throws {z.ZodError} if a number would not be exact.
 */
export async function runReport(
  stores: Stores,
  asked: ReportQuery,
  nowMs: number = Date.now(),
): Promise<ReportAnswer> {
  assertRange(asked);
  assertAsOf(asked, nowMs);
  const readAtMs = asked.asOfMs ?? nowMs;
  const query = { ...asked, scope: await filteredScope(stores, asked) };
  const facts = await readFacts(stores, query, nowMs);
  const { advertisers, pins, stream } = facts;
  const route = chooseRoute(query, facts, nowMs);
  const { truth } = route;
  const truthPins =
    truth === null
      ? []
      : pins.filter(({ bounds }) => bounds.fromMs < truth.toMs && bounds.toMs > truth.fromMs);

  if (truthPins.length > VERSIONS_READ_MAX) {
    throw new ReportQueryError("from", "too many days of too many advertisers; ask for fewer");
  }

  const buckets = bucketParams(query);
  const settled = settledHours(stream.rolledThroughMs, facts.hotHours, stream.written);
  const [counted, hot] = await Promise.all([
    truth === null ? NOTHING : truthReport(stores, query, truth, truthPins, buckets),
    route.hot === null
      ? NOTHING
      : hotReport(stores, query, { ...route.hot, nowMs }, { ...facts, buckets, settled }),
  ]);
  const parts = [counted.rows, hot.rows];
  const measured = mergeMeasured(parts);
  if (parts.some((rows) => rows.length > REPORT_ROWS_MAX) || measured.length > REPORT_ROWS_MAX) {
    throw new ReportQueryError(
      "dimensions",
      `the answer would have more than ${REPORT_ROWS_MAX} rows; ask for a shorter range, longer buckets or fewer dimensions`,
    );
  }
  return {
    rows: await nameRows(stores, query, measured, advertisers),
    meta: {
      mode: query.mode,
      store: route.store,
      reason:
        route.reason +
        wholeHoursNote(route.truth, truthPins) +
        countedNote(route.truth, truthPins, readAtMs) +
        (counted.usersOmitted || hot.usersOmitted ? USERS_OMITTED_NOTE : ""),
      as_of: new Date(readAtMs).toISOString(),
      watermark: route.hot === null ? null : toIso(stream.watermarkMs),
      finality: route.hot === null ? truthFinality(query, advertisers, pins, readAtMs) : "live",
      ...finalDate(query, advertisers),
      traffic: trafficOf(measured, truthPins.length > 0 && route.hot === null),
      ...versionsOf(truth === null ? null : truthPins),
      degraded: route.hot !== null && isDegradedIn(route.hot, facts),
    },
  };
}

/** Now, or in hours of the range that are not counted again yet. The range ends where the report does. */
function isDegradedIn({ fromMs }: InstantRange, { stream, hotHours }: ReportFacts): boolean {
  const degradedMs = hotHours?.degradedMs ?? null;
  return stream.level > 0 || (degradedMs !== null && degradedMs + HOUR_MS > fromMs);
}

const NOTHING: CountedRows = { rows: [], usersOmitted: false };

const USERS_OMITTED_NOTE =
  "; unique users of so many clicks are left out, ask for fewer days or campaigns, or for days by campaign";

function assertRange({ fromMs, toMs }: ReportQuery): void {
  if (fromMs >= toMs) throw new ReportQueryError("to", "must be later than from");
  if (toMs - fromMs > REPORT_DAYS_MAX * DAY_MS) {
    throw new ReportQueryError("from", `must be at most ${REPORT_DAYS_MAX} days before to`);
  }
}

function assertAsOf({ mode, asOfMs }: ReportQuery, nowMs: number): void {
  if (asOfMs === undefined) return;
  if (mode !== "billing") {
    throw new ReportQueryError("as_of", "reads the past of billing numbers; ask for mode=billing");
  }
  if (asOfMs > nowMs) throw new ReportQueryError("as_of", "must not be later than now");
}

/** Who can have rows at all. An empty list of campaigns says nothing of that: it leaves no row of anybody. */
async function filteredScope(
  stores: Stores,
  { scope, filters: { advertiser, campaign = [] } }: ReportQuery,
): Promise<TenantScope> {
  const own =
    advertiser === undefined
      ? scope
      : narrowScope(
          scope,
          advertiser.map((id) => advertiserIdSchema.parse(id)),
        );
  return campaign.length === 0 ? own : scopeOfCampaigns(stores, own, campaign);
}

/** What is known before the rows are read. */
interface ReportFacts {
  readonly advertisers: readonly AdvertiserRow[];
  readonly pins: readonly TruthPointer[];
  readonly stream: StreamState;
  /** Where the hot store begins, epoch milliseconds; null where it has nothing, or is not asked. */
  readonly startMs: number | null;
  /** Null where the hot store is not asked. */
  readonly hotHours: HotHoursState | null;
}

/** Of the stream, where nothing is told of it. */
const UNASKED: StreamState = {
  watermarkMs: null,
  level: 0,
  rolledThroughMs: null,
  written: null,
};

/** Pointers before rows: what is published while the rows are read is not part of the answer (I6). */
async function readFacts(stores: Stores, query: ReportQuery, nowMs: number): Promise<ReportFacts> {
  const { scope, mode, fromMs, asOfMs } = query;
  const asksHot = mode === "dashboard";
  const [advertisers, pins, stream, startMs, hotHours] = await Promise.all([
    listAdvertisers(stores, scope),
    truthAt(stores, scope, query, asOfMs ?? null),
    asksHot ? streamState(stores) : UNASKED,
    asksHot ? hotFromMs(stores, scope, { enoughMs: fromMs, nowMs }) : null,
    asksHot ? hotHoursState(stores, query) : null,
  ]);
  return { advertisers, pins, stream, startMs, hotHours };
}

function chooseRoute(
  query: ReportQuery,
  { pins, stream: { rolledThroughMs }, startMs }: ReportFacts,
  nowMs: number,
): Route {
  const { dimensions, filters } = query;
  return routeReport({
    ...query,
    nowMs,
    rolledThroughMs,
    detailDimensions: DETAIL_DIMENSIONS.filter(
      (dimension) => dimensions.includes(dimension) || filters[dimension] !== undefined,
    ).length,
    // Where truth has nothing to give, where the hot store begins does not matter.
    hotFromMs: pins.length > 0 ? startMs : query.fromMs,
    truthBefore: (instantMs) => pins.some(({ bounds }) => bounds.fromMs < instantMs),
  });
}

function bucketParams(query: ReportQuery): BucketParams {
  const stepMs = { total: 0, day: 0, hour: HOUR_MS, minute: MINUTE_MS }[query.granularity];
  return {
    bucket_seconds: stepMs / SECOND_MS,
    bucket_from: Math.floor(query.fromMs / SECOND_MS),
    // A cell that the start of the range cuts is in the first bucket.
    bucket_starts: stepMs > 0 ? [] : bucketStartsMs(query).map((ms) => Math.floor(ms / SECOND_MS)),
  };
}

/** Says when hours were counted whole that the range or a day of another zone cuts. */
function wholeHoursNote(truth: InstantRange | null, pins: readonly TruthPointer[]): string {
  if (truth === null) return "";
  const cuts = [truth.fromMs, truth.toMs].some(
    (ms) => ms % HOUR_MS !== 0 && pins.some(({ bounds }) => bounds.fromMs < ms && ms < bounds.toMs),
  );
  return cuts ? "; counted by whole hours, those at the ends of the range included" : "";
}

/** Says up to when an open day was counted: what came after is not in the numbers. */
function countedNote(
  truth: InstantRange | null,
  pins: readonly TruthPointer[],
  readAtMs: number,
): string {
  if (truth === null || truth.toMs <= readAtMs - DAY_MS) return "";
  const open = pins.filter(({ bounds }) => bounds.toMs > readAtMs);
  if (open.length === 0) return "; the newest days may not be counted yet";
  const oldest = Math.min(...open.map(({ publishedAtMs }) => publishedAtMs));
  return `; open days as they were counted last, from ${new Date(oldest).toISOString()} on`;
}

function versionsOf(
  pins: readonly TruthPointer[] | null,
): Pick<ReportMeta, "versions" | "versions_omitted"> {
  if (pins === null) return {};
  const versions = pins
    .slice(0, VERSIONS_LISTED_MAX)
    .map(({ advertiserId, billingDay, version }) => ({
      advertiser: advertiserId,
      day: billingDay,
      version,
    }));
  const omitted = pins.length - versions.length;
  return omitted === 0 ? { versions } : { versions, versions_omitted: omitted };
}

const toIso = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());

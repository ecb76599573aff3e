import type { InstantRange } from "@trueclick/shared/calendar";
import { advertiserIdSchema } from "@trueclick/shared/ids";
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "@trueclick/shared/time";
import { scopeOfCampaigns } from "../queries/campaignOwners.ts";
import type { Finality } from "../queries/finality.ts";
import { type ReportFacts, reportFacts } from "../queries/reportFacts.ts";
import type { TruthPointer } from "../queries/truthPointers.ts";
import type { Stores } from "../stores.ts";
import { narrowScope, type TenantScope } from "../tenant.ts";
import { bucketStartsMs } from "./buckets.ts";
import { hotFromMs } from "./hotFrom.ts";
import { type HotRows, hotReport } from "./hotReport.ts";
import { type SettledHours, settledHours } from "./hotSettled.ts";
import { asksSlices, type KeptSlices, keptSlices } from "./keptSlices.ts";
import { type BucketParams, mergeMeasured, trafficOf } from "./measures.ts";
import { type MeasuredReport, rememberedRows, rowsQuestion } from "./rememberedRows.ts";
import { finalDate, truthFinality } from "./reportFinality.ts";
import {
  DETAIL_DIMENSIONS,
  REPORT_DAYS_MAX,
  REPORT_ROWS_MAX,
  type ReportAnswer,
  type ReportMeta,
  type ReportQuery,
  type ReportRow,
  type ReportText,
} from "./reportQuery.ts";
import { ReportQueryError, type Route, routeReport } from "./route.ts";
import { readSeriesAhead } from "./seriesAhead.ts";
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
  const { rowsJson, meta } = await reportText(stores, asked, nowMs);
  // Written by `nameRows`, in this process.
  const rows: ReportRow[] = JSON.parse(rowsJson);
  return { rows, meta };
}

/**
 * The same with its rows as the text of a JSON array: of rows that are remembered, nobody has to make
 * objects first.
 */
export async function reportText(
  stores: Stores,
  asked: ReportQuery,
  nowMs: number = Date.now(),
): Promise<ReportText> {
  assertRange(asked);
  assertAsOf(asked, nowMs);
  const readAtMs = asked.asOfMs ?? nowMs;
  const query = { ...asked, scope: await filteredScope(stores, asked) };
  const [facts, startMs, kept] = await readFacts(stores, query, nowMs);
  const { accounts, pins, stream, hotHours } = facts;
  const route = chooseRoute(query, facts, { startMs, nowMs });
  const { truth, hot } = route;
  const truthPins =
    truth === null
      ? []
      : pins.filter(({ bounds }) => bounds.fromMs < truth.toMs && bounds.toMs > truth.fromMs);

  if (truthPins.length > VERSIONS_READ_MAX) {
    throw new ReportQueryError("from", "too many days of too many advertisers; ask for fewer");
  }

  const settled = settledHours(stream.rolledThroughMs, hotHours, stream.written);
  const question = rowsQuestion(stores, query, { facts, route, settled, nowMs });
  const { rowsJson, traffic, usersOmitted, ...of } = await rememberedRows(
    stores,
    query,
    { accounts, question, nowMs, watermarkMs: stream.watermarkMs },
    () => measure(stores, query, { facts, route, truthPins, kept, settled, nowMs }),
  );
  // What the stream has counted is an estimate, and so is what it is a part of.
  const finalityIn = (range: InstantRange): Finality =>
    hot !== null && range.toMs > hot.fromMs ? "live" : truthFinality(range, facts, readAtMs);
  return {
    rowsJson,
    finalityIn,
    meta: {
      mode: query.mode,
      store: route.store,
      reason:
        route.reason +
        wholeHoursNote(truth, truthPins) +
        countedNote(truth, truthPins, readAtMs) +
        (usersOmitted ? USERS_OMITTED_NOTE : ""),
      as_of: new Date(asked.asOfMs ?? of.readAtMs).toISOString(),
      watermark: hot === null ? null : toIso(of.watermarkMs),
      finality: hot === null ? finalityIn(query) : "live",
      ...finalDate(query, accounts),
      traffic,
      ...versionsOf(truth === null ? null : truthPins),
      degraded: hot !== null && isDegradedIn(hot, facts),
    },
  };
}

/** Reads what the stores counted of a report. @throws {ReportQueryError} if that is too much. */
async function measure(
  stores: Stores,
  query: ReportQuery,
  { facts, route: { truth, hot }, truthPins: pins, kept, settled, nowMs }: MeasureContext,
): Promise<MeasuredReport> {
  const buckets = bucketParams(query);
  const [ofTruth, ofStream] = await Promise.all([
    truth === null ? NOTHING : truthReport(stores, query, truth, { pins, kept }, buckets),
    hot === null
      ? NOTHING
      : hotReport(stores, query, { ...hot, nowMs }, { ...facts, buckets, settled }),
  ]);
  const parts = [ofTruth.rows, ofStream.rows];
  // Rows of the hot store are one each already.
  const rows = ofTruth.rows.length === 0 ? ofStream.rows : mergeMeasured(parts);
  if (parts.some((part) => part.length > REPORT_ROWS_MAX) || rows.length > REPORT_ROWS_MAX) {
    throw new ReportQueryError(
      "dimensions",
      `the answer would have more than ${REPORT_ROWS_MAX} rows; ask for a shorter range, longer buckets or fewer dimensions`,
    );
  }
  const traffic = trafficOf(rows, pins.length > 0 && hot === null);
  const usersOmitted = ofTruth.usersOmitted || ofStream.usersOmitted;
  return { rows, traffic, usersOmitted, readAt: ofStream.readAt };
}

interface MeasureContext {
  readonly facts: ReportFacts;
  readonly route: Route;
  readonly truthPins: readonly TruthPointer[];
  readonly kept: readonly KeptSlices[];
  readonly settled: SettledHours;
  readonly nowMs: number;
}

/** Now, or in hours of the range that are not counted again yet. The range ends where the report does. */
function isDegradedIn({ fromMs }: InstantRange, { stream, hotHours }: ReportFacts): boolean {
  const degradedMs = hotHours?.degradedMs ?? null;
  return stream.level > 0 || (degradedMs !== null && degradedMs + HOUR_MS > fromMs);
}

const NOTHING: HotRows = { rows: [], usersOmitted: false, readAt: null };

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

/**
 * What is known before the rows are read; where the hot store begins, epoch milliseconds, null where it has
 * nothing, or is not asked; and the slices of days, none where they cannot tell the report. Pointers before rows: what is published while the rows are read is not
 * part of the answer (I6).
 */
async function readFacts(
  stores: Stores,
  query: ReportQuery,
  nowMs: number,
): Promise<[ReportFacts, number | null, readonly KeptSlices[]]> {
  const { scope, mode, fromMs, asOfMs = null } = query;
  const asksHot = mode === "dashboard";
  const ahead = asksHot ? readSeriesAhead(stores, query) : Promise.resolve(false);
  const [facts, startMs, slices] = await Promise.all([
    reportFacts(stores, scope, query, { asksHot, asOfMs }),
    asksHot ? hotFromMs(stores, scope, { enoughMs: fromMs, nowMs }, ahead) : null,
    asksSlices(query) ? keptSlices(stores, scope, query) : [],
    ahead,
  ]);
  return [facts, startMs, slices];
}

function chooseRoute(
  query: ReportQuery,
  { pins, stream: { rolledThroughMs } }: ReportFacts,
  { startMs, nowMs }: { readonly startMs: number | null; readonly nowMs: number },
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

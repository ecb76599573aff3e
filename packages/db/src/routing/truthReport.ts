import type { InstantRange } from "@trueclick/shared/calendar";
import { HOUR_MS, SECOND_MS } from "@trueclick/shared/time";
import { runPinnedTenantQuery } from "../clickhouse/tenantReader.ts";
import { heldBuilds, heldParams, rowsOfVersions } from "../queries/heldRows.ts";
import {
  TRUTH_CELL_CLASSES,
  TRUTH_COUNTS,
  TRUTH_MEASURE_PARAMS,
} from "../queries/truthMeasures.ts";
import type { TruthPointer } from "../queries/truthPointers.ts";
import type { Stores } from "../stores.ts";
import { TENANT_CONDITION } from "../tenant.ts";
import { findSlices, type KeptSlices } from "./keptSlices.ts";
import {
  type BucketParams,
  bucketSql,
  type CountedRows,
  currencyParams,
  currencySql,
  filterParams,
  filterSql,
  splitSql,
  USERS_UNITED_MAX,
} from "./measures.ts";
import { REPORT_ROWS_MAX, type ReportQuery } from "./reportQuery.ts";
import { clicksOfLines, dayBuckets, lineBuckets, lineReport } from "./truthLines.ts";
import { withReturns } from "./truthReturns.ts";
import { truthRowSchema } from "./truthRows.ts";
import { type Slices, sliceReport } from "./truthSlices.ts";
import { type CellParams, cellStartSql, withTruthUsers } from "./truthUsers.ts";

const sqlOf = ({ dimensions, filters }: ReportQuery, params: CellParams, withUsers: boolean) => `
  SELECT
    ${bucketSql(params)} AS bucket,
    ${splitSql(dimensions, [
      ["advertiser", "advertiser_id"],
      ["campaign", "campaign_id"],
      ["ad", "ad_id"],
      ["geo", "toString(geo)", "geo_value"],
      ["device", "toString(device)", "device_value"],
      ["publisher", "publisher_id"],
    ])},
    ${currencySql("build_id", params)},
    ${TRUTH_COUNTS},
    ${withUsers ? "uniqExactArrayIf(user_hashes, is_click AND verdict = 'valid')" : "NULL"} AS unique_users,
    sum(cost_micros) AS cost,
    sum(credited) AS attributed_conversions,
    toString(sum(credited_value_micros)) AS attributed_value_micros
  FROM (
    SELECT
      *,
      ${cellStartSql(params)} AS t,
      ${TRUTH_CELL_CLASSES}
    FROM truth_cube
    WHERE ${TENANT_CONDITION}
      AND billing_day BETWEEN {first_day: Date} AND {last_day: Date}
      AND ${rowsOfVersions("truth_cube", params)}
      AND ${filterSql(filters, [
        ["campaign", "campaign_id"],
        ["ad", "ad_id"],
        ["geo", "geo"],
        ["device", "device"],
        ["publisher", "publisher_id"],
      ])}
  )
  WHERE t >= {from: Int64} AND t < {to: Int64}
  GROUP BY bucket, advertiser, campaign, ad, geo_value, device_value, publisher, currency
  ORDER BY bucket, clicks DESC, campaign, ad, geo_value, device_value, publisher, advertiser
  LIMIT {rows_max: UInt32}
`;

/** The versions that a report is of, and what is known of slices of their days. */
interface PinnedDays {
  readonly pins: readonly TruthPointer[];
  readonly kept: readonly KeptSlices[];
}

/**
 * Counts of the pinned truth versions, by whole hours: an hour that the range cuts is in it whole.
 * From the billed lines where they can tell it, since those are few; else from the cube, which adds up
 * to the same. At most `REPORT_ROWS_MAX` + 1 rows.
 */
export async function truthReport(
  stores: Stores,
  query: ReportQuery,
  range: InstantRange,
  { pins, kept }: PinnedDays,
  buckets: BucketParams,
): Promise<CountedRows> {
  const days = pins.map((pin) => pin.billingDay).sort();
  const [firstDay, lastDay] = [days.at(0), days.at(-1)];
  if (firstDay === undefined || lastDay === undefined) return { rows: [], usersOmitted: false };
  const paramsOf = () => ({
    ...buildParams(pins, buckets),
    ...filterParams(query.filters),
    first_day: firstDay,
    last_day: lastDay,
  });
  const lineStarts = lineBuckets(query, range, pins);
  if (lineStarts !== null) return lineAnswer(stores, query, paramsOf(), pins, lineStarts);
  const dayStarts = dayBuckets(query, range, pins);
  const slicesOf = (withUsers: boolean) =>
    dayStarts === null ? null : findSlices(query, kept, pins, dayStarts, withUsers);
  const withUsers = slicesOf(true);
  if (withUsers !== null) return sliceAnswer(stores, query, pins, withUsers);
  const usersOmitted = !(await canUniteUsers(stores, query, pins));
  const slices = usersOmitted ? slicesOf(false) : null;
  if (slices !== null) return { rows: await sliceReport(stores, query, slices), usersOmitted };
  const params = paramsOf();
  const rows = await runPinnedTenantQuery(stores, query.scope, {
    name: "truthReport",
    sql: sqlOf(query, params, !usersOmitted),
    row: truthRowSchema,
    params: {
      ...params,
      ...TRUTH_MEASURE_PARAMS,
      from: Math.floor(range.fromMs / HOUR_MS) * (HOUR_MS / SECOND_MS),
      to: Math.ceil(range.toMs / SECOND_MS),
      rows_max: REPORT_ROWS_MAX + 1,
    },
  });
  return { rows, usersOmitted };
}

/** Most reports tell users: they are counted while it is found out, or before. */
async function sliceAnswer(
  stores: Stores,
  query: ReportQuery,
  pins: readonly TruthPointer[],
  slices: Slices,
): Promise<CountedRows> {
  const { geo, device } = query.filters;
  // Where no slice is left out, their clicks are those of the lines.
  const isWhole = geo === undefined && device === undefined;
  const [rows, canUniteLines] = await Promise.all([
    sliceReport(stores, query, slices),
    isWhole || canUniteUsers(stores, query, pins),
  ]);
  const clicks = isWhole ? rows.reduce((sum, row) => sum + row.clicks, 0) : 0;
  if (canUniteLines && clicks <= USERS_UNITED_MAX) return { rows, usersOmitted: false };
  return { rows: rows.map((row) => ({ ...row, unique_users: null })), usersOmitted: true };
}

async function lineAnswer(
  stores: Stores,
  query: ReportQuery,
  params: CellParams,
  pins: readonly TruthPointer[],
  lineStarts: readonly number[],
): Promise<CountedRows> {
  const found = await lineReport(stores, query, pins, lineStarts);
  const rows = found.map(({ lines: _, ...row }) => row);
  if (rows.every(({ unique_users }) => unique_users !== null) || rows.length > REPORT_ROWS_MAX) {
    return { rows, usersOmitted: false };
  }
  const clicks = rows.reduce((sum, row) => sum + row.clicks, 0);
  // What is told follows from the versions alone, and not from what was counted beside them.
  if (clicks > USERS_UNITED_MAX) return { rows, usersOmitted: true };
  const told =
    (await withReturns(stores, query, pins, lineStarts, rows)) ??
    (await withTruthUsers(stores, query, params, rows));
  return { rows: told, usersOmitted: false };
}

/** What the pointers tell is of whole days and all campaigns; the lines are asked only past the bound. */
async function canUniteUsers(
  stores: Stores,
  query: ReportQuery,
  pins: readonly TruthPointer[],
): Promise<boolean> {
  const atMost = pins.reduce((sum, { validClicks }) => sum + validClicks, 0);
  if (atMost <= USERS_UNITED_MAX) return true;
  return (await clicksOfLines(stores, query, pins)) <= USERS_UNITED_MAX;
}

function buildParams(pins: readonly TruthPointer[], buckets: BucketParams): CellParams {
  const builds = heldBuilds(pins);
  const odd = builds.filter(({ bounds }) => bounds.fromMs % HOUR_MS !== 0);
  return {
    ...buckets,
    ...currencyParams(builds, ({ buildId }) => buildId),
    ...heldParams(pins),
    odd_builds: odd.map((pin) => pin.buildId),
    day_starts: odd.map(({ bounds }) => bounds.fromMs / SECOND_MS),
  };
}

import type { InstantRange } from "@trueclick/shared/calendar";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "@trueclick/shared/time";
import { windowStartMs } from "@trueclick/shared/window";
import { z } from "zod";
import { runSettledTenantQuery, runTenantQuery } from "../clickhouse/tenantReader.ts";
import { type HotSource, hotCellsParams, hotSources } from "../queries/hotCells.ts";
import type { Account } from "../queries/reportFacts.ts";
import type { TruthPointer } from "../queries/truthPointers.ts";
import type { Stores } from "../stores.ts";
import { TENANT_CONDITION, type TenantScope } from "../tenant.ts";
import { readNetClicks } from "./hotGivt.ts";
import { areMinutesKept, type HotParts } from "./hotParts.ts";
import {
  type Extent,
  type Extents,
  extentsOf,
  type SettledHours,
  type SettledSql,
  settledColumn,
  settledGroup,
  settledSql,
} from "./hotSettled.ts";
import { readUniqueUsers } from "./hotUsers.ts";
import {
  type BucketParams,
  bucketSql,
  type CountedRows,
  type CurrencyParams,
  currencyParams,
  currencySql,
  filterParams,
  filterSql,
  groupSql,
  type MeasuredRow,
  measuredRowSchema,
  mergeMeasured,
  splitSql,
  USERS_UNITED_MAX,
} from "./measures.ts";
import {
  DETAIL_DIMENSIONS,
  type DetailDimension,
  REPORT_ROWS_MAX,
  type ReportQuery,
} from "./reportQuery.ts";
import { HOT_COVERAGE_MS, type HotRange } from "./route.ts";

/**
 * One cube holds every event once, so only one is read. Hours and minutes are added up each by themselves,
 * which takes the engine less to plan than both as one; what they tell of one row is added up by the caller.
 */
function sqlOf(
  parts: HotParts,
  { dimensions, filters }: ReportQuery,
  params: CellsParams,
  settled: SettledSql,
): string {
  const condition = filterSql(filters, [
    ["campaign", "campaign_id"],
    [params.cube, "dimension_value"],
  ]);
  const groups = groupSql(dimensions, params, ["advertiser", "campaign", ...DETAIL_DIMENSIONS]);
  const isSettled = (table: HotSource["table"]) => (table === "hot_minutes" ? "0" : settled);
  return hotSources(parts, condition)
    .map(
      ({ table, where, start }) => `
  WITH ${start} AS t
  SELECT
    ${bucketSql(params)} AS bucket,
    ${splitSql(dimensions, [
      ["advertiser", "advertiser_id"],
      ["campaign", "campaign_id"],
      ...DETAIL_DIMENSIONS.map((dimension) => [dimension, "dimension_value"] as const),
    ])},
    ${currencySql("advertiser_id", params)},
    ${isSettled(table)} AS settled,
    sum(hot.clicks) AS clicks,
    sum(hot.clicks + hot.invalid_clicks) AS gross_clicks,
    sum(hot.duplicate_clicks) AS duplicate_clicks,
    sum(hot.impressions) AS impressions,
    sum(hot.conversions) AS conversions,
    sum(hot.cost_micros) AS cost_micros
  FROM ${table} AS hot FINAL
  WHERE ${where}
  GROUP BY ${groups}${settledGroup(isSettled(table))}
  LIMIT {rows_max: UInt32}`,
    )
    .join("\n  UNION ALL");
}

interface HotFacts {
  readonly accounts: readonly Account[];
  /** What truth has counted of the days of the range. */
  readonly pins: readonly TruthPointer[];
  readonly buckets: BucketParams;
  readonly settled: SettledHours;
}

/**
 * The stream's counts: a minute that the range cuts, or an hour of which the minutes are kept no
 * more, is in it whole. The query asks for at most one detail dimension. More than `REPORT_ROWS_MAX` rows
 * are not all of them.
 */
export async function hotReport(
  stores: Pick<Stores, "clickhouse" | "memo" | "recent">,
  query: ReportQuery,
  { parts, ...range }: HotRange & { readonly nowMs: number },
  { accounts, pins, buckets, ...facts }: HotFacts,
): Promise<CountedRows> {
  const areKept = areMinutesKept(parts, range.nowMs);
  const settled = areKept ? facts.settled : { ...facts.settled, restAsOf: null };
  const { dimensions, filters } = query;
  const detail = DETAIL_DIMENSIONS.find(
    (dimension) => dimensions.includes(dimension) || filters[dimension] !== undefined,
  );
  // Without a detail any cube will do: each adds up to the campaign.
  const cube = detail ?? "ad";
  const params = {
    ...buckets,
    ...currencyParams(accounts, ({ id }) => id),
    ...filterParams(filters),
  };
  const counted = { from: firstSecond(range, parts), to: Math.ceil(range.toMs / SECOND_MS) };
  const extents = extentsOf(parts, counted, settled);
  const reading = readCells(stores, query, { ...params, cube }, extents, settled);
  // Evidence and users are kept by campaign.
  if (detail !== undefined) return { rows: await reading, usersOmitted: false };
  const readUsers = () => readUniqueUsers(stores, query, range, params, settled);
  // Truth's counts say beforehand whether there will be too many: when users are read, not whether.
  const areFew = sumOf(pins, ({ validClicks }) => validClicks) <= USERS_UNITED_MAX;
  const [rows, netClicks, usersRead] = await Promise.all([
    reading,
    readNetClicks(stores, query, params, extents, settled),
    areFew ? readUsers() : null,
  ]);
  const usersOmitted = sumOf(rows, ({ clicks }) => clicks) > USERS_UNITED_MAX;
  const uniqueUsers = usersOmitted ? () => null : (usersRead ?? (await readUsers()));
  return {
    rows: rows.map((row) => ({
      ...row,
      net_clicks: netClicks(row),
      unique_users: uniqueUsers(row),
    })),
    usersOmitted,
  };
}

interface CellsParams extends BucketParams, CurrencyParams {
  readonly cube: DetailDimension;
}

/** What cells do not tell. */
const UNTOLD = {
  net_clicks: null,
  unique_users: null,
  attributed_conversions: null,
  attributed_value_micros: null,
};

const cellsRowSchema = measuredRowSchema
  .omit({
    net_clicks: true,
    unique_users: true,
    attributed_conversions: true,
    attributed_value_micros: true,
  })
  .extend(settledColumn)
  .transform((row) => ({ ...row, ...UNTOLD }));

/**
 * A row that has cells in both tables, or on both sides of the settled border, is told in parts, and added
 * up.
 */
async function readCells(
  stores: Pick<Stores, "clickhouse" | "memo" | "recent">,
  query: ReportQuery,
  params: CellsParams,
  { all, settled, rest, border }: Extents,
  { asOf, restAsOf }: SettledHours,
): Promise<MeasuredRow[]> {
  const queryOf = ({ parts }: Extent, isSettled: SettledSql) => ({
    name: "hotReport",
    sql: sqlOf(parts, query, params, isSettled),
    row: cellsRowSchema,
    params: {
      ...params,
      ...hotCellsParams(parts),
      ...border,
      rows_max: 2 * (REPORT_ROWS_MAX + 1),
    },
  });
  const rows = await runSettledTenantQuery(stores, query.scope, {
    all: queryOf(all, settledSql(border)),
    settled: settled && queryOf(settled, "1"),
    rest: rest && queryOf(rest, "0"),
    asOf,
    restAsOf,
  });
  return mergeMeasured([rows]);
}

function sumOf<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((sum, item) => sum + of(item), 0);
}

/** Where what was counted begins: with a whole minute, or with a whole hour of no minutes. */
function firstSecond({ fromMs }: InstantRange, { hours }: HotParts): number {
  const stepMs = hours !== null && hours.fromMs === fromMs ? HOUR_MS : MINUTE_MS;
  return Math.floor(fromMs / stepMs) * (stepMs / SECOND_MS);
}

/**
 * The oldest span that the stream counted for a tenant, epoch milliseconds; null before any. One that
 * is not later than `enoughMs` is as good as the oldest, and is found without looking at all of them.
 */
export async function hotFromMs(
  { clickhouse, memo }: Pick<Stores, "clickhouse" | "memo">,
  scope: TenantScope,
  instants: { readonly enoughMs: number; readonly nowMs: number },
): Promise<number | null> {
  // Of ranges that follow the clock, most ask the same within an hour.
  const enoughMs = windowStartMs(instants.enoughMs, HOUR_MS);
  // A span that is there stays until it is older than what the hot store is kept for.
  const question = ["hotFromEnough", scope, enoughMs];
  const known = Number(memo?.known(question) ?? Number.NEGATIVE_INFINITY);
  if (known >= instants.nowMs - HOT_COVERAGE_MS) return known;
  const [early] = await runTenantQuery(clickhouse, scope, {
    name: "hotFromEnough",
    sql: `
      SELECT toUnixTimestamp(span_start) AS seconds
      FROM hot_hours
      WHERE ${TENANT_CONDITION} AND cube = 'ad' AND span_start <= fromUnixTimestamp({enough: Int64})
      LIMIT 1
    `,
    params: { enough: enoughMs / SECOND_MS },
    row: z.object({ seconds: z.coerce.number() }),
  });
  if (early !== undefined) {
    const foundMs = early.seconds * SECOND_MS;
    memo?.keep(question, String(foundMs));
    return foundMs;
  }
  const [row] = await runTenantQuery(clickhouse, scope, {
    name: "hotFromMs",
    sql: `
      SELECT sum(spans) AS spans, toUnixTimestamp(min(oldest)) AS seconds
      FROM (
        SELECT count() AS spans, if(spans = 0, toDateTime(4294967295, 'UTC'), min(window_start)) AS oldest
        FROM hot_minutes
        WHERE ${TENANT_CONDITION} AND cube = 'ad'
        UNION ALL
        SELECT count() AS spans, if(spans = 0, toDateTime(4294967295, 'UTC'), min(span_start)) AS oldest
        FROM hot_hours
        WHERE ${TENANT_CONDITION} AND cube = 'ad'
      )
    `,
    params: {},
    row: z.object({ spans: z.coerce.number(), seconds: z.coerce.number() }),
  });
  return row === undefined || row.spans === 0 ? null : row.seconds * SECOND_MS;
}

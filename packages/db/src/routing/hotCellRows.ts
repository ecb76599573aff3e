/** Counts of the hot store's cells, by whatever a report asks for. */
import { z } from "zod";
import { runSettledTenantQuery } from "../clickhouse/tenantReader.ts";
import { type HotSource, hotCellsParams, hotSources } from "../queries/hotCells.ts";
import type { Stores } from "../stores.ts";
import type { HotParts } from "./hotParts.ts";
import {
  type Extent,
  type Extents,
  type SettledHours,
  type SettledSql,
  settledColumn,
  settledGroup,
  settledSql,
} from "./hotSettled.ts";
import {
  type BucketParams,
  bucketSql,
  type CurrencyParams,
  currencySql,
  filterSql,
  groupSql,
  measuredRowSchema,
  splitSql,
  UNTOLD,
} from "./measures.ts";
import {
  DETAIL_DIMENSIONS,
  type DetailDimension,
  REPORT_ROWS_MAX,
  type ReportQuery,
} from "./reportQuery.ts";

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
  // Hours are kept without it, and some minutes may be of before it was counted.
  const givt = (table: HotSource["table"]) =>
    table === "hot_minutes" ? "if(min(hot.givt_clicks) < 0, -1, sum(hot.givt_clicks))" : "-1";
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
    sum(hot.cost_micros) AS cost_micros,
    ${givt(table)} AS givt_clicks
  FROM ${table} AS hot FINAL
  WHERE ${where}
  GROUP BY ${groups}${settledGroup(isSettled(table))}
  LIMIT {rows_max: UInt32}`,
    )
    .join("\n  UNION ALL");
}

export interface CellsParams extends BucketParams, CurrencyParams {
  readonly cube: DetailDimension;
}

const cellsRowSchema = measuredRowSchema
  .omit({
    net_clicks: true,
    unique_users: true,
    attributed_conversions: true,
    attributed_value_micros: true,
  })
  .extend({ ...settledColumn, givt_clicks: z.coerce.number().int() })
  .transform((row) => ({ ...row, ...UNTOLD }));

export type CellsRow = z.infer<typeof cellsRowSchema>;

/**
 * A row that has cells in both tables, or on both sides of the settled border, is told in parts, which add
 * up.
 */
export async function readCells(
  stores: Pick<Stores, "clickhouse" | "memo" | "recent">,
  query: ReportQuery,
  params: CellsParams,
  { all, settled, rest, border }: Extents,
  { asOf, restAsOf }: SettledHours,
): Promise<CellsRow[]> {
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
  return runSettledTenantQuery(stores, query.scope, {
    all: queryOf(all, settledSql(border)),
    settled: settled && queryOf(settled, "1"),
    rest: rest && queryOf(rest, "0"),
    asOf,
    restAsOf,
  });
}

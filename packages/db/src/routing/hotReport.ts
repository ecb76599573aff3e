import type { InstantRange } from "@trueclick/shared/calendar";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "@trueclick/shared/time";
import { z } from "zod";
import { runTenantQuery } from "../clickhouse/tenantReader.ts";
import type { AdvertiserRow } from "../queries/advertisers.ts";
import { hotCellsParams, hotCellsSql } from "../queries/hotCells.ts";
import type { Stores } from "../stores.ts";
import { TENANT_CONDITION, type TenantScope } from "../tenant.ts";
import { readNetClicks } from "./hotGivt.ts";
import type { HotParts } from "./hotParts.ts";
import { readUniqueUsers } from "./hotUsers.ts";
import {
  BUCKET_SQL,
  type BucketParams,
  type MeasuredRow,
  measuredRowSchema,
  splitParams,
} from "./measures.ts";
import { DETAIL_DIMENSIONS, REPORT_ROWS_MAX, type ReportQuery } from "./reportQuery.ts";
import type { HotRange } from "./route.ts";

// One cube holds every event once, so only one is read.
const sqlOf = (parts: HotParts) => `
  SELECT
    ${BUCKET_SQL} AS bucket,
    if({by_advertiser: Bool}, advertiser_id, '') AS advertiser,
    if({by_campaign: Bool}, campaign_id, '') AS campaign,
    if({by_ad: Bool}, dimension_value, '') AS ad,
    if({by_geo: Bool}, dimension_value, '') AS geo,
    if({by_device: Bool}, dimension_value, '') AS device,
    if({by_publisher: Bool}, dimension_value, '') AS publisher,
    transform(advertiser_id, {advertisers: Array(String)}, {currencies: Array(String)},
      {currency: String}) AS currency,
    sum(hot.clicks) AS clicks,
    sum(hot.clicks + hot.invalid_clicks) AS gross_clicks,
    NULL AS net_clicks,
    sum(hot.duplicate_clicks) AS duplicate_clicks,
    sum(hot.impressions) AS impressions,
    sum(hot.conversions) AS conversions,
    NULL AS unique_users,
    sum(hot.cost_micros) AS cost_micros,
    NULL AS attributed_conversions,
    NULL AS attributed_value_micros
  FROM ${hotCellsSql(
    parts,
    `({any_campaign: Bool} OR campaign_id IN ({campaigns: Array(String)}))
        AND ({any_value: Bool} OR dimension_value IN ({values: Array(String)}))`,
  )} AS hot
  GROUP BY bucket, advertiser, campaign, ad, geo, device, publisher, currency
  ORDER BY bucket, clicks DESC, campaign, ad, geo, device, publisher, advertiser
  LIMIT {rows_max: UInt32}
`;

/**
 * The stream's counts: a minute that the range cuts, or an hour of which the minutes are kept no
 * more, is in it whole. The query asks for at most one detail dimension. At most `REPORT_ROWS_MAX` + 1 rows.
 */
export async function hotReport(
  { clickhouse }: Pick<Stores, "clickhouse">,
  query: ReportQuery,
  { parts, ...range }: HotRange & { readonly nowMs: number },
  advertisers: readonly AdvertiserRow[],
  buckets: BucketParams,
): Promise<MeasuredRow[]> {
  const { dimensions, filters } = query;
  const detail = DETAIL_DIMENSIONS.find(
    (dimension) => dimensions.includes(dimension) || filters[dimension] !== undefined,
  );
  // Without a detail any cube will do: each adds up to the campaign.
  const cube = detail ?? "ad";
  const params = {
    ...buckets,
    ...splitParams(dimensions),
    ...currencyParams(advertisers),
    cube,
    ...hotCellsParams(parts),
    from: firstSecond(range, parts),
    to: Math.ceil(range.toMs / SECOND_MS),
    any_campaign: filters.campaign === undefined,
    campaigns: filters.campaign ?? [],
    any_value: filters[cube] === undefined,
    values: filters[cube] ?? [],
    rows_max: REPORT_ROWS_MAX + 1,
  };
  const reading = runTenantQuery(clickhouse, query.scope, {
    name: "hotReport",
    sql: sqlOf(parts),
    row: measuredRowSchema,
    params,
  });
  // Evidence and users are kept by campaign.
  if (detail !== undefined) return reading;
  const [rows, netClicks, uniqueUsers] = await Promise.all([
    reading,
    readNetClicks({ clickhouse }, query.scope, params),
    readUniqueUsers({ clickhouse }, query, range, params),
  ]);
  return rows.map((row) => ({
    ...row,
    net_clicks: netClicks(row),
    unique_users: uniqueUsers(row),
  }));
}

/** Where what was counted begins: with a whole minute, or with a whole hour of no minutes. */
function firstSecond({ fromMs }: InstantRange, { hours }: HotParts): number {
  const stepMs = hours !== null && hours.fromMs === fromMs ? HOUR_MS : MINUTE_MS;
  return Math.floor(fromMs / stepMs) * (stepMs / SECOND_MS);
}

function currencyParams(advertisers: readonly AdvertiserRow[]) {
  const currency = advertisers[0]?.currency ?? "";
  const foreign = advertisers.filter((advertiser) => advertiser.currency !== currency);
  return {
    currency,
    // `transform` needs one pair at least; no advertiser has an empty id.
    advertisers: ["", ...foreign.map((advertiser) => advertiser.id)],
    currencies: ["", ...foreign.map((advertiser) => advertiser.currency)],
  };
}

/**
 * The oldest span that the stream counted for a tenant, epoch milliseconds; null before any. One that
 * is not later than `enoughMs` is as good as the oldest, and is found without looking at all of them.
 */
export async function hotFromMs(
  { clickhouse }: Pick<Stores, "clickhouse">,
  scope: TenantScope,
  enoughMs: number,
): Promise<number | null> {
  const early = await runTenantQuery(clickhouse, scope, {
    name: "hotFromEnough",
    sql: `
      SELECT toUnixTimestamp(span_start) AS seconds
      FROM hot_hours
      WHERE ${TENANT_CONDITION} AND cube = 'ad' AND span_start <= fromUnixTimestamp({enough: Int64})
      LIMIT 1
    `,
    params: { enough: Math.floor(enoughMs / SECOND_MS) },
    row: z.object({ seconds: z.coerce.number() }),
  });
  if (early[0] !== undefined) return early[0].seconds * SECOND_MS;
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

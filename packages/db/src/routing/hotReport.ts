import type { InstantRange } from "@trueclick/shared/calendar";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "@trueclick/shared/time";
import { z } from "zod";
import { runTenantQuery } from "../clickhouse/tenantReader.ts";
import type { AdvertiserRow } from "../queries/advertisers.ts";
import { hotCellsParams, hotCellsSql } from "../queries/hotCells.ts";
import type { TruthPointer } from "../queries/truthPointers.ts";
import type { Stores } from "../stores.ts";
import { TENANT_CONDITION, type TenantScope } from "../tenant.ts";
import { readNetClicks } from "./hotGivt.ts";
import type { HotParts } from "./hotParts.ts";
import { readUniqueUsers } from "./hotUsers.ts";
import {
  BUCKET_SQL,
  type BucketParams,
  type CountedRows,
  type CurrencyParams,
  currencyParams,
  currencySql,
  measuredRowSchema,
  splitSql,
  USERS_UNITED_MAX,
} from "./measures.ts";
import { DETAIL_DIMENSIONS, REPORT_ROWS_MAX, type ReportQuery } from "./reportQuery.ts";
import type { HotRange } from "./route.ts";

// One cube holds every event once, so only one is read.
const sqlOf = (parts: HotParts, { dimensions }: ReportQuery, currencies: CurrencyParams) => `
  SELECT
    ${BUCKET_SQL} AS bucket,
    ${splitSql(dimensions, [
      ["advertiser", "advertiser_id"],
      ["campaign", "campaign_id"],
      ...DETAIL_DIMENSIONS.map((dimension) => [dimension, "dimension_value"] as const),
    ])},
    ${currencySql("advertiser_id", currencies)},
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

interface HotFacts {
  readonly advertisers: readonly AdvertiserRow[];
  /** What truth has counted of the days of the range. */
  readonly pins: readonly TruthPointer[];
  readonly buckets: BucketParams;
}

/**
 * The stream's counts: a minute that the range cuts, or an hour of which the minutes are kept no
 * more, is in it whole. The query asks for at most one detail dimension. At most `REPORT_ROWS_MAX` + 1 rows.
 */
export async function hotReport(
  { clickhouse }: Pick<Stores, "clickhouse">,
  query: ReportQuery,
  { parts, ...range }: HotRange & { readonly nowMs: number },
  { advertisers, pins, buckets }: HotFacts,
): Promise<CountedRows> {
  const { dimensions, filters } = query;
  const detail = DETAIL_DIMENSIONS.find(
    (dimension) => dimensions.includes(dimension) || filters[dimension] !== undefined,
  );
  // Without a detail any cube will do: each adds up to the campaign.
  const cube = detail ?? "ad";
  const params = {
    ...buckets,
    ...currencyParams(advertisers, ({ id }) => id),
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
    sql: sqlOf(parts, query, params),
    row: measuredRowSchema,
    params,
  });
  // Evidence and users are kept by campaign.
  if (detail !== undefined) return { rows: await reading, usersOmitted: false };
  const readUsers = () => readUniqueUsers({ clickhouse }, query, range, params);
  // Truth's counts say beforehand whether there will be too many: when users are read, not whether.
  const areFew = sumOf(pins, ({ validClicks }) => validClicks) <= USERS_UNITED_MAX;
  const [rows, netClicks, usersRead] = await Promise.all([
    reading,
    readNetClicks({ clickhouse }, query, params),
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

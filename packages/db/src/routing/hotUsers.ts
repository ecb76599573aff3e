import { HOUR_MS, SECOND_MS } from "@trueclick/shared/time";
import { z } from "zod";
import { runTenantQuery } from "../clickhouse/tenantReader.ts";
import type { Stores } from "../stores.ts";
import { TENANT_CONDITION } from "../tenant.ts";
import { bucketStartsMs } from "./buckets.ts";
import {
  BUCKET_SQL,
  type CurrencyParams,
  currencySql,
  type MeasuredRow,
  measuredRowSchema,
  splitSql,
} from "./measures.ts";
import type { ReportQuery } from "./reportQuery.ts";
import type { HotRange } from "./route.ts";

/** What the hot store answers for, and when: an hour that is not over is whole as far as it goes. */
interface AnsweredRange extends Pick<HotRange, "fromMs" | "toMs"> {
  readonly nowMs: number;
}

const usersRowSchema = measuredRowSchema
  .pick({ bucket: true, advertiser: true, campaign: true, currency: true })
  .extend({ users: z.coerce.number().int().nonnegative() });
type UsersRow = z.infer<typeof usersRowSchema>;

const sqlOf = ({ dimensions }: ReportQuery, currencies: CurrencyParams) => `
  SELECT
    ${BUCKET_SQL} AS bucket,
    ${splitSql(dimensions, [
      ["advertiser", "advertiser_id"],
      ["campaign", "campaign_id"],
    ])},
    ${currencySql("advertiser_id", currencies)},
    uniqCombined64Merge(hot.users) AS users
  FROM (
    SELECT advertiser_id, campaign_id, users, toInt64(toUnixTimestamp(event_hour)) AS t
    FROM hot_users
    WHERE ${TENANT_CONDITION}
      AND event_hour >= fromUnixTimestamp({from: Int64})
      AND event_hour < fromUnixTimestamp({to: Int64})
      AND ({any_campaign: Bool} OR campaign_id IN ({campaigns: Array(String)}))
  ) AS hot
  GROUP BY bucket, advertiser, campaign, currency
`;

/** Users of a hot row; null where they are not known. */
export type UniqueUsers = (row: MeasuredRow) => number | null;

/**
 * Reads users, which are kept by campaign and whole hour: null in a bucket that cuts an hour, and
 * where clicks are known whose users are not.
 *
 * @param params Those of the hot report that the rows are of. No detail dimension is in it.
 */
export async function readUniqueUsers(
  { clickhouse }: Pick<Stores, "clickhouse">,
  query: ReportQuery,
  range: AnsweredRange,
  params: CurrencyParams,
): Promise<UniqueUsers> {
  const whole = wholeBuckets(query, range);
  if (whole.size === 0) return () => null;
  const found = await runTenantQuery(clickhouse, query.scope, {
    name: "hotUsers",
    sql: sqlOf(query, params),
    row: usersRowSchema,
    params,
  });
  const usersOf = new Map(found.map((row) => [keyOf(row), row.users]));
  return (row) => {
    if (!whole.has(row.bucket)) return null;
    return row.clicks === 0 ? 0 : (usersOf.get(keyOf(row)) ?? null);
  };
}

const keyOf = ({ bucket, advertiser, campaign, currency }: Omit<UsersRow, "users">) =>
  JSON.stringify([bucket, advertiser, campaign, currency]);

/** Starts of the buckets that are whole hours as far as the hot store answers, epoch seconds. */
function wholeBuckets(query: ReportQuery, range: AnsweredRange): Set<number> {
  const starts = query.granularity === "minute" ? [] : bucketStartsMs(query);
  const whole = starts.filter((startMs, at) => {
    const fromMs = Math.max(startMs, range.fromMs);
    const toMs = Math.min(starts[at + 1] ?? query.toMs, range.toMs);
    return fromMs < toMs && fromMs % HOUR_MS === 0 && (toMs % HOUR_MS === 0 || toMs >= range.nowMs);
  });
  return new Set(whole.map((ms) => Math.floor(ms / SECOND_MS)));
}

import { HOUR_MS, SECOND_MS } from "@trueclick/shared/time";
import { z } from "zod";
import { runTenantQuery } from "../clickhouse/tenantReader.ts";
import type { Stores } from "../stores.ts";
import { TENANT_CONDITION } from "../tenant.ts";
import { bucketStartsMs } from "./buckets.ts";
import {
  byCampaignRow,
  CAMPAIGN_ROW_GROUPS,
  campaignRowSchema,
  campaignRowSql,
} from "./campaignRows.ts";
import type { CurrencyParams, MeasuredRow } from "./measures.ts";
import type { ReportQuery } from "./reportQuery.ts";
import type { HotRange } from "./route.ts";

/** What the hot store answers for, and when: an hour that is not over is whole as far as it goes. */
interface AnsweredRange extends Pick<HotRange, "fromMs" | "toMs"> {
  readonly nowMs: number;
}

const usersRowSchema = campaignRowSchema.extend({ users: z.coerce.number().int().nonnegative() });

const sqlOf = (query: ReportQuery, currencies: CurrencyParams) => `
  SELECT
    ${campaignRowSql(query, "advertiser_id", currencies)},
    uniqCombined64Merge(hot.users) AS users
  FROM (
    SELECT advertiser_id, campaign_id, users, toInt64(toUnixTimestamp(event_hour)) AS t
    FROM hot_users
    WHERE ${TENANT_CONDITION}
      AND event_hour >= fromUnixTimestamp({from: Int64})
      AND event_hour < fromUnixTimestamp({to: Int64})
      AND ({any_campaign: Bool} OR campaign_id IN ({campaigns: Array(String)}))
  ) AS hot
  GROUP BY ${CAMPAIGN_ROW_GROUPS}
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
  const usersOf = byCampaignRow(found, ({ users }) => users);
  return (row) => {
    if (!whole.has(row.bucket)) return null;
    return row.clicks === 0 ? 0 : (usersOf(row) ?? null);
  };
}

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

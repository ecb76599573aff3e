import type { InstantRange } from "@trueclick/shared/calendar";
import { HOUR_MS, SECOND_MS } from "@trueclick/shared/time";
import { z } from "zod";
import { runSettledTenantQuery } from "../clickhouse/tenantReader.ts";
import type { Stores } from "../stores.ts";
import { TENANT_CONDITION } from "../tenant.ts";
import { bucketStartsMs } from "./buckets.ts";
import {
  byCampaignRow,
  type CampaignRow,
  campaignRowGroups,
  campaignRowSchema,
  campaignRowSql,
} from "./campaignRows.ts";
import {
  type SettledHours,
  type SettledSql,
  settledColumn,
  settledGroup,
  settledSql,
  userRangesOf,
} from "./hotSettled.ts";
import { type BucketParams, type CurrencyParams, filterSql, type MeasuredRow } from "./measures.ts";
import type { ReportQuery } from "./reportQuery.ts";
import type { HotRange } from "./route.ts";

/** What the hot store answers for, and when: an hour that is not over is whole as far as it goes. */
interface AnsweredRange extends Pick<HotRange, "fromMs" | "toMs"> {
  readonly nowMs: number;
}

const usersRowSchema = campaignRowSchema.extend({
  ...settledColumn,
  users: z.coerce.number().int().nonnegative(),
});

type UsersRow = z.infer<typeof usersRowSchema>;

const sqlOf = (query: ReportQuery, params: BucketParams & CurrencyParams, settled: SettledSql) => `
  WITH toInt64(toUnixTimestamp(event_hour)) AS t
  SELECT
    ${campaignRowSql(query, "advertiser_id", params)},
    ${settled} AS settled,
    uniqCombined64Merge(hot.users) AS users
  FROM hot_users AS hot
  WHERE ${TENANT_CONDITION}
    AND event_hour >= fromUnixTimestamp({users_from: Int64})
    AND event_hour < fromUnixTimestamp({users_to: Int64})
    AND ${filterSql(query.filters, [["campaign", "campaign_id"]])}
  GROUP BY ${campaignRowGroups(query, params)}${settledGroup(settled)}
`;

/** Users of the buckets up to an instant, where no set is needed. */
export interface ToldUsers {
  readonly toMs: number;
  readonly rows: Promise<readonly (CampaignRow & { readonly users: number })[]>;
}

/** Users of a hot row; null where they are not known. */
export type UniqueUsers = (row: MeasuredRow) => number | null;

/**
 * Reads users, which are kept by campaign and whole hour: null in a bucket that cuts an hour, and
 * where clicks are known whose users are not.
 *
 * @param params Those of the hot report that the rows are of. No detail dimension is in it.
 * @param told What is known already of the first buckets.
 */
export async function readUniqueUsers(
  stores: Pick<Stores, "clickhouse" | "memo" | "recent">,
  query: ReportQuery,
  range: AnsweredRange,
  params: BucketParams & CurrencyParams,
  hours: SettledHours,
  told: ToldUsers | null = null,
): Promise<UniqueUsers> {
  const whole = wholeBuckets(query, range);
  if (whole.size === 0) return () => null;
  const others = { fromMs: told?.toMs ?? range.fromMs, toMs: range.toMs };
  const [known, read] = await Promise.all([
    told?.rows ?? [],
    readSets(stores, query, params, hours, others),
  ]);
  const usersOf = byCampaignRow([...known, ...read], ({ users }) => users);
  return (row) => {
    if (!whole.has(row.bucket)) return null;
    return row.clicks === 0 ? 0 : (usersOf(row) ?? null);
  };
}

async function readSets(
  stores: Pick<Stores, "clickhouse" | "memo" | "recent">,
  query: ReportQuery,
  params: BucketParams & CurrencyParams,
  hours: SettledHours,
  range: InstantRange,
): Promise<UsersRow[]> {
  if (range.fromMs >= range.toMs) return [];
  const { all, settled, rest } = userRangesOf(query, range, hours);
  const border = { settled_from: 0, settled_to: Math.ceil((settled?.toMs ?? 0) / SECOND_MS) };
  const queryOf = ({ fromMs, toMs }: InstantRange, isSettled: SettledSql) => ({
    name: "hotUsers",
    sql: sqlOf(query, params, isSettled),
    row: usersRowSchema,
    params: {
      ...params,
      users_from: Math.floor(fromMs / SECOND_MS),
      users_to: Math.ceil(toMs / SECOND_MS),
      ...border,
    },
  });
  return runSettledTenantQuery(stores, query.scope, {
    all: queryOf(all, settledSql(border)),
    settled: settled && queryOf(settled, "1"),
    rest: rest && queryOf(rest, "0"),
    asOf: hours.asOf,
    restAsOf: hours.restAsOf,
  });
}

/** Starts of the buckets that are whole hours as far as the hot store answers, epoch seconds. */
export function wholeBuckets(
  query: Pick<ReportQuery, "fromMs" | "toMs" | "granularity" | "timeZone">,
  range: AnsweredRange,
): Set<number> {
  const starts = query.granularity === "minute" ? [] : bucketStartsMs(query);
  const whole = starts.filter((startMs, at) => {
    const fromMs = Math.max(startMs, range.fromMs);
    const toMs = Math.min(starts[at + 1] ?? query.toMs, range.toMs);
    return fromMs < toMs && fromMs % HOUR_MS === 0 && (toMs % HOUR_MS === 0 || toMs >= range.nowMs);
  });
  return new Set(whole.map((ms) => Math.floor(ms / SECOND_MS)));
}

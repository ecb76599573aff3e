/** Exact distinct users of truth, which are sets that must be united: the dear part of a report. */
import { z } from "zod";
import { runTenantQuery } from "../clickhouse/tenantReader.ts";
import type { Stores } from "../stores.ts";
import { TENANT_CONDITION } from "../tenant.ts";
import { BUCKET_SQL, type MeasuredRow, measuredRowSchema } from "./measures.ts";
import type { ReportQuery } from "./reportQuery.ts";

/**
 * Most clicks whose users one report unites. Each is at most one member of a set that is read and
 * hashed, some ten million in a second of a processor. A report of more leaves its users out, and says so.
 */
export const USERS_UNITED_MAX = 1_000_000;

const usersRowSchema = measuredRowSchema
  .pick({ bucket: true, advertiser: true, campaign: true, currency: true })
  .extend({ users: z.coerce.number().int().nonnegative() });

const SQL = `
  SELECT
    ${BUCKET_SQL} AS bucket,
    if({by_advertiser: Bool}, advertiser_id, '') AS advertiser,
    if({by_campaign: Bool}, campaign_id, '') AS campaign,
    transform(
      build_id, {foreign_builds: Array(UInt64)}, {foreign_currencies: Array(String)},
      {currency: String}
    ) AS currency,
    uniqExactMerge(cell.users) AS users
  FROM (
    SELECT advertiser_id, campaign_id, build_id, users,
      greatest(
        toInt64(toUnixTimestamp(event_hour)),
        transform(build_id, {odd_builds: Array(UInt64)}, {day_starts: Array(Int64)}, toInt64(0))
      ) AS t
    FROM truth_cube
    WHERE ${TENANT_CONDITION}
      AND billing_day BETWEEN {first_day: Date} AND {last_day: Date}
      AND build_id IN ({builds: Array(UInt64)})
      AND ({any_campaign: Bool} OR campaign_id IN ({campaigns: Array(String)}))
      AND event_type = 'click' AND verdict = 'valid'
  ) AS cell
  GROUP BY bucket, advertiser, campaign, currency
`;

/**
 * Rows with the users of whole versions.
 *
 * @param params Those of the truth report that the rows are of. No detail dimension is in it.
 */
export async function withTruthUsers(
  { clickhouse }: Pick<Stores, "clickhouse">,
  { scope }: ReportQuery,
  params: Readonly<Record<string, unknown>>,
  rows: readonly MeasuredRow[],
): Promise<MeasuredRow[]> {
  const found = await runTenantQuery(clickhouse, scope, {
    name: "truthUsers",
    sql: SQL,
    row: usersRowSchema,
    params,
  });
  const usersOf = new Map(found.map((row) => [keyOf(row), row.users]));
  return rows.map((row) => ({ ...row, unique_users: usersOf.get(keyOf(row)) ?? 0 }));
}

const keyOf = ({
  bucket,
  advertiser,
  campaign,
  currency,
}: Pick<MeasuredRow, "bucket" | "advertiser" | "campaign" | "currency">) =>
  JSON.stringify([bucket, advertiser, campaign, currency]);

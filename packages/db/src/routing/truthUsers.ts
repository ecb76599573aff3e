/** Exact distinct users of truth, which are sets that must be united: the dear part of a report. */
import { z } from "zod";
import { runPinnedTenantQuery } from "../clickhouse/tenantReader.ts";
import { type HeldParams, rowsOfVersions } from "../queries/heldRows.ts";
import type { Stores } from "../stores.ts";
import { TENANT_CONDITION } from "../tenant.ts";
import {
  byCampaignRow,
  campaignRowGroups,
  campaignRowSchema,
  campaignRowSql,
} from "./campaignRows.ts";
import { type BucketParams, type CurrencyParams, filterSql, type MeasuredRow } from "./measures.ts";
import type { ReportQuery } from "./reportQuery.ts";

/** Which builds' cells are read, and what is told of a build. */
export interface CellParams extends BucketParams, CurrencyParams, HeldParams {
  /** Builds of days that start within an hour, and when they start, epoch seconds. */
  readonly odd_builds: readonly number[];
  readonly day_starts: readonly number[];
}

/**
 * When a cell of the cube starts, epoch seconds: it is one hour of one billing day. Where a day starts
 * within an hour (zones of half and quarter hours), the cell starts with the day.
 */
export function cellStartSql({ odd_builds }: Pick<CellParams, "odd_builds">): string {
  const hour = "toInt64(toUnixTimestamp(event_hour))";
  if (odd_builds.length === 0) return hour;
  return `greatest(${hour}, transform(
        build_id, {odd_builds: Array(UInt64)}, {day_starts: Array(Int64)}, toInt64(0)))`;
}

const usersRowSchema = campaignRowSchema.extend({ users: z.coerce.number().int().nonnegative() });

const sqlOf = (query: ReportQuery, params: CellParams) => `
  SELECT
    ${campaignRowSql(query, "build_id", params)},
    uniqExactArray(user_hashes) AS users
  FROM (
    SELECT advertiser_id, campaign_id, build_id, user_hashes, ${cellStartSql(params)} AS t
    FROM truth_cube
    WHERE ${TENANT_CONDITION}
      AND billing_day BETWEEN {first_day: Date} AND {last_day: Date}
      AND ${rowsOfVersions("truth_cube", params)}
      AND ${filterSql(query.filters, [["campaign", "campaign_id"]])}
      AND event_type = 'click' AND verdict = 'valid'
  )
  GROUP BY ${campaignRowGroups(query, params)}
`;

/**
 * Rows with the users of whole versions.
 *
 * @param params Those of the truth report that the rows are of. No detail dimension is in it.
 */
export async function withTruthUsers(
  stores: Pick<Stores, "clickhouse" | "memo">,
  query: ReportQuery,
  params: CellParams,
  rows: readonly MeasuredRow[],
): Promise<MeasuredRow[]> {
  const found = await runPinnedTenantQuery(stores, query.scope, {
    name: "truthUsers",
    sql: sqlOf(query, params),
    row: usersRowSchema,
    params,
  });
  const usersOf = byCampaignRow(found, ({ users }) => users);
  return rows.map((row) => ({ ...row, unique_users: usersOf(row) ?? 0 }));
}

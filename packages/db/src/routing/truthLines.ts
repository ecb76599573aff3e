/** Reports that billed lines add up to: whole billing days, by campaign at the most. */
import type { InstantRange } from "@trueclick/shared/calendar";
import { SECOND_MS } from "@trueclick/shared/time";
import { sql } from "drizzle-orm";
import { PgDialect } from "drizzle-orm/pg-core";
import { z } from "zod";
import { truthLines } from "../postgres/schema/truth.ts";
import type { TruthPointer } from "../queries/truthPointers.ts";
import type { Stores } from "../stores.ts";
import { tenantWhere } from "../tenant.ts";
import { bucketStartsMs } from "./buckets.ts";
import { type MeasuredRow, measuredRowSchema } from "./measures.ts";
import { DETAIL_DIMENSIONS, REPORT_ROWS_MAX, type ReportQuery } from "./reportQuery.ts";

/** A row of lines: its users are known where it is one line, since people come back on other days. */
export interface LineRow extends MeasuredRow {
  readonly lines: number;
}

const lineRowSchema = measuredRowSchema
  .omit({ ad: true, geo: true, device: true, publisher: true })
  .extend({ lines: z.coerce.number().int().positive() })
  .transform((row): LineRow => ({ ...row, ad: "", geo: "", device: "", publisher: "" }));

/**
 * The bucket of each pinned day, epoch seconds; null if lines cannot tell the report: where details or
 * hours are asked for, or the range or a bucket cuts a day.
 */
export function lineBuckets(
  query: ReportQuery,
  range: InstantRange,
  pins: readonly TruthPointer[],
): number[] | null {
  const { dimensions, filters } = query;
  const hasDetails = DETAIL_DIMENSIONS.some(
    (dimension) => dimensions.includes(dimension) || filters[dimension] !== undefined,
  );
  return hasDetails ? null : dayBuckets(query, range, pins);
}

/** The same, null only where hours are asked for, or the range or a bucket cuts a day. */
export function dayBuckets(
  query: ReportQuery,
  range: InstantRange,
  pins: readonly TruthPointer[],
): number[] | null {
  if (query.granularity !== "total" && query.granularity !== "day") return null;
  const starts = bucketStartsMs(query);
  const buckets: number[] = [];
  for (const { bounds } of pins) {
    const at = starts.findLastIndex((startMs) => startMs <= bounds.fromMs);
    const startMs = starts[at];
    const endMs = Math.min(starts[at + 1] ?? range.toMs, range.toMs);
    if (startMs === undefined || bounds.fromMs < range.fromMs || bounds.toMs > endMs) return null;
    buckets.push(Math.floor(startMs / SECOND_MS));
  }
  return buckets;
}

/**
 * Sums of the lines of pinned versions, which never change: read once, as long as they are remembered. At
 * most `REPORT_ROWS_MAX` + 1 rows.
 *
 * @param buckets One for each pin.
 */
export async function lineReport(
  { db, memo }: Pick<Stores, "db" | "memo">,
  query: ReportQuery,
  pins: readonly TruthPointer[],
  buckets: readonly number[],
): Promise<LineRow[]> {
  if (pins.length === 0) return [];
  const statement = lineStatement(query, pins, buckets);
  if (memo === undefined) return lineRowsSchema.parse((await db.execute(statement)).rows);
  const answer = await memo.answer(["lineReport", dialect.sqlToQuery(statement)], async () =>
    JSON.stringify((await db.execute(statement)).rows),
  );
  return lineRowsSchema.parse(JSON.parse(answer));
}

const lineRowsSchema = z.array(lineRowSchema);

/** Says what a statement is in SQL and parameters, as the driver is told it. */
const dialect = new PgDialect({ casing: "snake_case" });

function lineStatement(
  { scope, dimensions, filters }: ReportQuery,
  pins: readonly TruthPointer[],
  buckets: readonly number[],
) {
  const { campaign } = filters;
  const list = (values: readonly (string | number)[]) => sql.param([...values]);
  const split = (column: unknown, isAsked: boolean) => (isAsked ? sql`${column}` : sql`''`);
  return sql`
    select pin.bucket,
      ${split(truthLines.advertiserId, dimensions.includes("advertiser"))} as advertiser,
      ${split(truthLines.campaignId, dimensions.includes("campaign"))} as campaign,
      pin.currency,
      count(*) as lines,
      sum(${truthLines.clicks}) as clicks,
      sum(${truthLines.grossClicks}) as gross_clicks,
      sum(${truthLines.netClicks}) as net_clicks,
      sum(${truthLines.duplicateClicks}) as duplicate_clicks,
      sum(${truthLines.impressions}) as impressions,
      sum(${truthLines.conversions}) as conversions,
      case when count(*) = 1 then max(${truthLines.uniqueUsers}) end as unique_users,
      sum(${truthLines.costMicros}) as cost_micros,
      sum(${truthLines.attributedConversions}) as attributed_conversions,
      sum(${truthLines.attributedValueMicros}) as attributed_value_micros
    from unnest(
      ${list(pins.map((pin) => pin.advertiserId))}::text[],
      ${list(pins.map((pin) => pin.billingDay))}::date[],
      ${list(pins.map((pin) => pin.version))}::int[],
      ${list(buckets)}::bigint[],
      ${list(pins.map((pin) => pin.currency))}::text[]
    ) as pin (advertiser_id, billing_day, version, bucket, currency)
    join ${truthLines} on ${truthLines.advertiserId} = pin.advertiser_id
      and ${truthLines.billingDay} = pin.billing_day and ${truthLines.version} = pin.version
    where ${tenantWhere(scope, truthLines.advertiserId)}
      and ${campaign === undefined ? sql`true` : sql`${truthLines.campaignId} = any(${list(campaign)}::text[])`}
    group by 1, 2, 3, 4
    order by 1, clicks desc, campaign, advertiser
    limit ${REPORT_ROWS_MAX + 1}`;
}

/** Valid clicks of pinned versions, of the campaigns that a report is filtered by. */
export async function clicksOfLines(
  stores: Pick<Stores, "db" | "memo">,
  query: ReportQuery,
  pins: readonly TruthPointer[],
): Promise<number> {
  const zeros = pins.map(() => 0);
  const rows = await lineReport(stores, { ...query, dimensions: [] }, pins, zeros);
  return rows.reduce((sum, { clicks }) => sum + clicks, 0);
}

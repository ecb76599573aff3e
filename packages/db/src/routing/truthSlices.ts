/** Reports of whole days by country, device and campaign, from the slices of each day. */
import { sql } from "drizzle-orm";
import { z } from "zod";
import { runPinnedTenantQuery } from "../clickhouse/tenantReader.ts";
import { truthReturns } from "../postgres/schema/returns.ts";
import type { TruthPointer } from "../queries/truthPointers.ts";
import type { Stores } from "../stores.ts";
import { TENANT_CONDITION, tenantWhere } from "../tenant.ts";
import { comparePins, pinsTable } from "./comparedPins.ts";
import { filterParams, filterSql, type MeasuredRow, splitSql } from "./measures.ts";
import { REPORT_ROWS_MAX, type ReportQuery } from "./reportQuery.ts";
import { truthRowSchema } from "./truthRows.ts";

/** Days of advertisers that one report takes from slices: three numbers of each travel in the address. */
const DAYS_MAX = 2_000;

/** The slices of a pinned day. */
interface SlicedDay {
  readonly id: number;
  readonly bucket: number;
  readonly currency: string;
  /** Days before it in its bucket. */
  readonly daysBack: number;
}

const slicedRowsSchema = z.array(
  z.object({
    id: z.coerce.number().int().nullable(),
    bucket: z.coerce.number().int(),
    currency: z.string(),
    days: z.number().int(),
  }),
);

/**
 * The counts of pinned versions; null if slices do not tell them: of days that have none, by publisher or
 * ad, or with users of rows that are not one slice each. At most `REPORT_ROWS_MAX` + 1 rows.
 *
 * @param buckets The bucket of each pin, epoch seconds.
 * @param withUsers Whether users are told; else days may be such as were compared with other versions.
 */
export async function sliceReport(
  stores: Stores,
  query: ReportQuery,
  pins: readonly TruthPointer[],
  buckets: readonly number[],
  withUsers: boolean,
): Promise<MeasuredRow[] | null> {
  if (pins.length > DAYS_MAX || !isOfSlices(query, withUsers)) return null;
  const days = await slicedDays(stores, query, pins, buckets, withUsers);
  if (days === null) return null;
  return runPinnedTenantQuery(stores, query.scope, {
    name: "truthSlices",
    sql: sqlOf(query, withUsers),
    row: truthRowSchema,
    params: {
      ...filterParams(query.filters),
      slices: days.map(({ id }) => id),
      buckets: days.map(({ bucket }) => bucket),
      currencies: days.map(({ currency }) => currency),
      days_back: days.map(({ daysBack }) => daysBack),
      first_day: pins
        .map(({ billingDay }) => billingDay)
        .toSorted()
        .at(0),
      last_day: pins
        .map(({ billingDay }) => billingDay)
        .toSorted()
        .at(-1),
      rows_max: REPORT_ROWS_MAX + 1,
    },
  });
}

/** Users of a slice are told beside those of the same slice only. */
function isOfSlices({ dimensions, filters }: ReportQuery, withUsers: boolean): boolean {
  const isAsked = (dimension: (typeof dimensions)[number]) =>
    dimensions.includes(dimension) || filters[dimension] !== undefined;
  if (isAsked("ad") || isAsked("publisher")) return false;
  if (!withUsers) return true;
  const isOne = (dimension: "campaign" | "geo" | "device") =>
    dimensions.includes(dimension) || filters[dimension]?.length === 1;
  return isOne("campaign") && isOne("geo") && isOne("device");
}

/** Null unless all days have slices. */
async function slicedDays(
  { db }: Pick<Stores, "db">,
  { scope }: ReportQuery,
  pins: readonly TruthPointer[],
  buckets: readonly number[],
  withUsers: boolean,
): Promise<SlicedDay[] | null> {
  const compared = comparePins(pins, buckets);
  // Counts are of the version alone.
  const asked = withUsers ? compared : compared.map((pin) => ({ ...pin, compared: [] }));
  const found = await db.execute(sql`
    select ${truthReturns.slicesId} as id, pin.bucket, pin.currency, pin.days
    from ${pinsTable(asked)}
    where ${tenantWhere(scope, truthReturns.advertiserId)} or ${truthReturns.advertiserId} is null`);
  const days: SlicedDay[] = [];
  for (const { id, days: daysBack, ...day } of slicedRowsSchema.parse(found.rows)) {
    if (id === null) return null;
    days.push({ ...day, id, daysBack });
  }
  return days;
}

const sums = [
  "clicks",
  "gross_clicks",
  "net_clicks",
  "duplicate_clicks",
  "impressions",
  "conversions",
].map((column) => `sum(slice.${column}) AS ${column}`);

const ofSlice = (values: string, type: string, none: string) =>
  `transform(slices_id, {slices: Array(UInt64)}, {${values}: Array(${type})}, ${none})`;

const USERS = `sum(slice.unique_users - arraySum((days, users) ->
      if(days <= ${ofSlice("days_back", "UInt16", "toUInt16(0)")}, users, 0), gap_days, gap_users))`;

const sqlOf = ({ dimensions, filters }: ReportQuery, withUsers: boolean) => `
  SELECT
    ${ofSlice("buckets", "Int64", "toInt64(0)")} AS bucket,
    ${splitSql(dimensions, [
      ["advertiser", "advertiser_id"],
      ["campaign", "campaign_id"],
      ["geo", "toString(geo)", "geo_value"],
      ["device", "toString(device)", "device_value"],
    ])},
    '' AS ad, '' AS publisher,
    ${ofSlice("currencies", "String", "''")} AS currency,
    ${sums.join(",\n    ")},
    ${withUsers ? USERS : "NULL"} AS unique_users,
    sum(cost_micros) AS cost,
    sum(credited) AS attributed_conversions,
    toString(sum(credited_value_micros)) AS attributed_value_micros
  FROM truth_day_slices AS slice
  WHERE ${TENANT_CONDITION}
    AND billing_day BETWEEN {first_day: Date} AND {last_day: Date}
    AND slices_id IN ({slices: Array(UInt64)})
    AND ${filterSql(filters, [
      ["campaign", "campaign_id"],
      ["geo", "geo"],
      ["device", "device"],
    ])}
  GROUP BY bucket, advertiser, campaign, geo_value, device_value, currency
  ORDER BY bucket, clicks DESC, campaign, geo_value, device_value, advertiser
  LIMIT {rows_max: UInt32}
`;

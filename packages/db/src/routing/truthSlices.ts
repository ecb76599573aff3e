/** Reports of whole days by country, device and campaign, from the slices of each day. */
import type { IsoDay } from "@trueclick/shared/calendar";
import { DAY_MS } from "@trueclick/shared/time";
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
  readonly billingDay: IsoDay;
  readonly bucket: number;
  readonly currency: string;
  /** Days before it in its bucket. */
  readonly daysBack: number;
}

/** All that a report is told of. */
export interface Slices {
  readonly days: readonly SlicedDay[];
  /** Whether they tell users: those of days that were compared with the versions that are pinned. */
  readonly withUsers: boolean;
}

const slicedRowsSchema = z.array(
  z.object({
    id: z.coerce.number().int().nullable(),
    billing_day: z.string(),
    bucket: z.coerce.number().int(),
    currency: z.string(),
    days: z.number().int(),
  }),
);

/**
 * The slices of pinned versions; null if they do not tell the report: of days that have none, by publisher
 * or ad, or with users of rows that are not one slice each.
 *
 * @param buckets The bucket of each pin, epoch seconds.
 * @param withUsers Whether users are told; else days may be such as were compared with other versions.
 */
export async function findSlices(
  stores: Pick<Stores, "db">,
  query: ReportQuery,
  pins: readonly TruthPointer[],
  buckets: readonly number[],
  withUsers: boolean,
): Promise<Slices | null> {
  if (pins.length > DAYS_MAX || !isOfSlices(query, withUsers)) return null;
  const days = await slicedDays(stores, query, pins, buckets, withUsers);
  return days === null ? null : { days, withUsers };
}

/** What slices come to. At most `REPORT_ROWS_MAX` + 1 rows. */
export async function sliceReport(
  stores: Stores,
  query: ReportQuery,
  slices: Slices,
): Promise<MeasuredRow[]> {
  const days = slices.days.map(({ billingDay }) => billingDay).toSorted();
  const { sql: told, params } = toldByDay(slices);
  return runPinnedTenantQuery(stores, query.scope, {
    name: "truthSlices",
    sql: sqlOf(query, told),
    row: truthRowSchema,
    params: {
      ...filterParams(query.filters),
      ...params,
      slices: slices.days.map(({ id }) => id),
      first_day: days.at(0),
      last_day: days.at(-1),
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
    select ${truthReturns.slicesId} as id, pin.billing_day::text as billing_day, pin.bucket, pin.currency, pin.days
    from ${pinsTable(asked)}
    where ${tenantWhere(scope, truthReturns.advertiserId)} or ${truthReturns.advertiserId} is null`);
  const days: SlicedDay[] = [];
  for (const { id, days: daysBack, ...day } of slicedRowsSchema.parse(found.rows)) {
    if (id === null) return null;
    const { billing_day: billingDay, bucket, currency } = day;
    days.push({ id, billingDay, bucket, currency, daysBack });
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

/** What a statement is told of each day, beside its slices. */
interface ToldByDay {
  readonly bucket: string;
  readonly currency: string;
  /** Null: users are not told. */
  readonly users: string | null;
}

/**
 * What is the same of all days is one value, and how many days of its bucket lie before a day mostly follows
 * from its date: a list of all days takes the engine time to take in, and to look through for each row.
 */
export function toldByDay({ days, withUsers }: Slices): {
  readonly sql: ToldByDay;
  readonly params: Readonly<Record<string, unknown>>;
} {
  const bucket = ofDay(days, "bucket", "Int64", (day) => day.bucket);
  const currency = ofDay(days, "currency", "String", (day) => day.currency);
  if (!withUsers) {
    const params = { ...bucket.params, ...currency.params };
    return { sql: { bucket: bucket.sql, currency: currency.sql, users: null }, params };
  }
  const since = days.map(({ billingDay, daysBack }) => Date.parse(billingDay) - daysBack * DAY_MS);
  const [sinceMs = 0] = since;
  const before = since.every((ms) => ms === sinceMs)
    ? {
        sql: "(billing_day - {since: Date})",
        params: { since: new Date(sinceMs).toISOString().slice(0, "YYYY-MM-DD".length) },
      }
    : ofDay(days, "days_back", "UInt16", ({ daysBack }) => daysBack);
  const users = `sum(slice.unique_users
      - arraySum((days, users) -> if(days <= ${before.sql}, users, 0), gap_days, gap_users))`;
  return {
    sql: { bucket: bucket.sql, currency: currency.sql, users },
    params: { ...bucket.params, ...currency.params, ...before.params },
  };
}

function ofDay(
  days: readonly SlicedDay[],
  name: string,
  type: "Int64" | "String" | "UInt16",
  of: (day: SlicedDay) => string | number,
): { readonly sql: string; readonly params: Readonly<Record<string, unknown>> } {
  const values = days.map(of);
  if (new Set(values).size <= 1) {
    const [value = type === "String" ? "" : 0] = values;
    return { sql: `{${name}: ${type}}`, params: { [name]: value } };
  }
  const none = type === "String" ? "''" : `to${type}(0)`;
  return {
    sql: `transform(slices_id, {slices: Array(UInt64)}, {${name}: Array(${type})}, ${none})`,
    params: { [name]: values },
  };
}

const sqlOf = ({ dimensions, filters }: ReportQuery, { bucket, currency, users }: ToldByDay) => `
  SELECT
    ${bucket} AS bucket,
    ${splitSql(dimensions, [
      ["advertiser", "advertiser_id"],
      ["campaign", "campaign_id"],
      ["geo", "toString(geo)", "geo_value"],
      ["device", "toString(device)", "device_value"],
    ])},
    '' AS ad, '' AS publisher,
    ${currency} AS currency,
    ${sums.join(",\n    ")},
    ${users ?? "NULL"} AS unique_users,
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

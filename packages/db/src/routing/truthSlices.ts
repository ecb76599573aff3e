/** Reports of whole days by country, device and campaign, from the slices of each day. */
import type { IsoDay } from "@trueclick/shared/calendar";
import { DAY_MS } from "@trueclick/shared/time";
import { z } from "zod";
import { runPinnedTenantQuery } from "../clickhouse/tenantReader.ts";
import { SLICE_COUNTS } from "../queries/sliceCounts.ts";
import type { Stores } from "../stores.ts";
import { TENANT_CONDITION } from "../tenant.ts";
import {
  filterParams,
  filterSql,
  type MeasuredRow,
  measuredRowSchema,
  splitSql,
} from "./measures.ts";
import { REPORT_ROWS_MAX, type ReportQuery } from "./reportQuery.ts";

/** The slices of a pinned day. */
export interface SlicedDay {
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

/** A row of slices, as ClickHouse tells it. */
const sliceRowSchema = measuredRowSchema
  .pick({ bucket: true, advertiser: true, campaign: true, currency: true })
  .extend({
    geo_value: measuredRowSchema.shape.geo,
    device_value: measuredRowSchema.shape.device,
    counted: z.array(z.string()).length(SLICE_COUNTS.length),
    returned: measuredRowSchema.shape.unique_users,
  })
  .transform(({ geo_value: geo, device_value: device, counted, returned, ...row }) => {
    const counts = Object.fromEntries(SLICE_COUNTS.map((count, at) => [count, counted[at]]));
    const unique_users = returned === null ? null : Number(counts["unique_users"]) - returned;
    const split = { ...row, geo, device, ad: "", publisher: "" };
    return measuredRowSchema.parse({ ...split, ...counts, unique_users });
  });

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
    row: sliceRowSchema,
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

/** What a statement is told of each day, beside its slices, as SQL. */
interface ToldByDay {
  readonly bucket: string;
  readonly currency: string;
  /** Whether rows may differ by it. */
  readonly hasCurrencies: boolean;
  /** How many of the users were there on days before; null: users are not told. */
  readonly returned: string | null;
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
  const told = { bucket: bucket.sql, currency: currency.sql, hasCurrencies: !currency.isOne };
  if (!withUsers) {
    const params = { ...bucket.params, ...currency.params };
    return { sql: { ...told, returned: null }, params };
  }
  const since = days.map(({ billingDay, daysBack }) => Date.parse(billingDay) - daysBack * DAY_MS);
  const [sinceMs = 0] = since;
  const before = since.every((ms) => ms === sinceMs)
    ? {
        sql: "(billing_day - {since: Date})",
        params: { since: new Date(sinceMs).toISOString().slice(0, "YYYY-MM-DD".length) },
      }
    : ofDay(days, "days_back", "UInt16", ({ daysBack }) => daysBack);
  const returned = `sum(
      arraySum((days, users) -> if(days <= ${before.sql}, users, 0), gap_days, gap_users))`;
  return {
    sql: { ...told, returned },
    params: { ...bucket.params, ...currency.params, ...before.params },
  };
}

function ofDay(
  days: readonly SlicedDay[],
  name: string,
  type: "Int64" | "String" | "UInt16",
  of: (day: SlicedDay) => string | number,
): {
  readonly sql: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly isOne: boolean;
} {
  const values = days.map(of);
  if (new Set(values).size <= 1) {
    const [value = type === "String" ? "" : 0] = values;
    return { sql: `{${name}: ${type}}`, params: { [name]: value }, isOne: true };
  }
  const none = type === "String" ? "''" : `to${type}(0)`;
  return {
    sql: `transform(slices_id, {slices: Array(UInt64)}, {${name}: Array(${type})}, ${none})`,
    params: { [name]: values },
    isOne: false,
  };
}

const SPLIT_BY = [
  ["advertiser", "advertiser_id"],
  ["campaign", "campaign_id"],
  ["geo", "geo", "geo_value"],
  ["device", "device", "device_value"],
] as const;

/**
 * Each condition and each column that an engine plans takes time, and so does what it sorts: the rows of a
 * report are put in order when they are named, and one of too many rows is no answer, whichever they are.
 */
function sqlOf({ dimensions, filters }: ReportQuery, told: ToldByDay): string {
  const split = SPLIT_BY.filter(([dimension]) => dimensions.includes(dimension));
  const groups = [
    "bucket",
    ...split.map(([dimension, _column, alias = dimension]) => alias),
    ...(told.hasCurrencies ? ["currency"] : []),
  ];
  return `
  SELECT
    ${told.bucket} AS bucket,
    ${splitSql(dimensions, SPLIT_BY)},
    ${told.currency} AS currency,
    CAST(sumForEach(counts), 'Array(String)') AS counted,
    ${told.returned ?? "NULL"} AS returned
  FROM truth_slices
  WHERE ${TENANT_CONDITION}
    AND billing_day BETWEEN {first_day: Date} AND {last_day: Date}
    AND slices_id IN ({slices: Array(UInt64)})
    AND ${filterSql(filters, [
      ["campaign", "campaign_id"],
      ["geo", "geo"],
      ["device", "device"],
    ])}
  GROUP BY ${groups.join(", ")}
  LIMIT {rows_max: UInt32}`;
}

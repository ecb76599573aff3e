/** Counts as the stores give them, before they are named. */
import { z } from "zod";
import { DIMENSIONS, type Dimension, type ReportQuery, type ReportTraffic } from "./reportQuery.ts";

/** A count. Arrives quoted, so that it stays exact; one past 2^53 throws, it is never rounded. */
const count = z.coerce.number().int().nonnegative();

/** What every store answers for one bucket; dimensions that were not asked for are empty. */
export const measuredRowSchema = z.object({
  /** Start of the bucket, epoch seconds. */
  bucket: z.coerce.number().int(),
  advertiser: z.string(),
  campaign: z.string(),
  ad: z.string(),
  geo: z.string(),
  device: z.string(),
  publisher: z.string(),
  currency: z.string(),
  clicks: count,
  gross_clicks: count,
  net_clicks: count.nullable(),
  duplicate_clicks: count,
  impressions: count,
  conversions: count,
  unique_users: count.nullable(),
  cost_micros: z.coerce.number().int(),
  attributed_conversions: count.nullable(),
  attributed_value_micros: z.coerce.bigint().nullable(),
});
export type MeasuredRow = z.infer<typeof measuredRowSchema>;

/** What cells do not tell. */
export const UNTOLD = {
  net_clicks: null,
  unique_users: null,
  attributed_conversions: null,
  attributed_value_micros: null,
};

/** What one store counted. */
export interface CountedRows {
  readonly rows: readonly MeasuredRow[];
  /** Whether users were left out because uniting their sets would take too long. */
  readonly usersOmitted: boolean;
}

/**
 * Most clicks whose users one report unites. Each is at most one member of a set that is read and
 * hashed, some ten million in a second of a processor. A report of more leaves its users out, and says so.
 */
export const USERS_UNITED_MAX = 1_000_000;

/**
 * The dimensions of a row as SQL: of those that were asked for the column, and for all others an empty
 * constant, by which the engine has nothing to group.
 *
 * @param columns A column, or what is made of it, and the name that it gets in the row.
 */
export function splitSql(
  asked: readonly Dimension[],
  columns: readonly (readonly [Dimension, column: string, alias?: string])[],
): string {
  return columns
    .map(([dimension, column, alias = dimension]) => {
      return `${asked.includes(dimension) ? column : "''"} AS ${alias}`;
    })
    .join(",\n    ");
}

/** What rows are grouped by: the bucket, the dimensions that were asked for, and what else tells rows apart. */
export function groupSql(
  asked: readonly Dimension[],
  { foreign }: Pick<CurrencyParams, "foreign">,
  columns: readonly Dimension[],
): string {
  const dimensions = columns.filter((dimension) => asked.includes(dimension));
  return ["bucket", ...dimensions, ...(foreign.length === 0 ? [] : ["currency"])].join(", ");
}

/**
 * Parameters that tell the currency of a row: that of most, and whose is another. Only what differs is
 * listed: parameters travel in the address of a request, which is bounded.
 */
export interface CurrencyParams extends Record<string, unknown> {
  readonly currency: string;
  readonly foreign: readonly (string | number)[];
  readonly foreign_currencies: readonly string[];
}

export function currencyParams<Owner extends { readonly currency: string }>(
  owners: readonly Owner[],
  idOf: (owner: Owner) => string | number,
): CurrencyParams {
  const currency = owners[0]?.currency ?? "";
  const foreign = owners.filter((owner) => owner.currency !== currency);
  return {
    currency,
    foreign: foreign.map(idOf),
    foreign_currencies: foreign.map((owner) => owner.currency),
  };
}

/** The currency of a row by the column that says whose it is; a constant where all have the same. */
export function currencySql(
  column: "advertiser_id" | "build_id",
  { foreign }: CurrencyParams,
): string {
  if (foreign.length === 0) return "{currency: String} AS currency";
  const type = column === "build_id" ? "UInt64" : "String";
  return `transform(${column}, {foreign: Array(${type})}, {foreign_currencies: Array(String)},
      {currency: String}) AS currency`;
}

/**
 * Buckets as parameters: minutes and hours by their length, which is 0 for days and totals, and
 * those by their borders, which depend on a zone.
 */
export interface BucketParams extends Record<string, unknown> {
  readonly bucket_seconds: number;
  readonly bucket_starts: readonly number[];
  readonly bucket_from: number;
}

/** The bucket of `t`, epoch seconds. The first bucket starts where the report does. */
export function bucketSql({ bucket_seconds, bucket_starts }: BucketParams): string {
  if (bucket_seconds > 0) {
    return "greatest(t - t % {bucket_seconds: UInt32}, {bucket_from: Int64})";
  }
  if (bucket_starts.length === 1) return "{bucket_from: Int64}";
  return "arrayLast(start -> start <= greatest(t, {bucket_from: Int64}), {bucket_starts: Array(Int64)})";
}

/** The filters that were asked for as a condition; each condition that an engine plans takes time. */
export function filterSql(
  filters: ReportQuery["filters"],
  columns: readonly (readonly [Dimension, column: string])[],
): string {
  const conditions = columns
    .filter(([dimension]) => filters[dimension] !== undefined)
    .map(([dimension, column]) => `${column} IN ({${dimension}s: Array(String)})`);
  return conditions.length === 0 ? "true" : conditions.join("\n      AND ");
}

/** The values of such conditions. */
export function filterParams(filters: ReportQuery["filters"]): Record<string, unknown> {
  return Object.fromEntries(
    DIMENSIONS.flatMap((dimension) => {
      const values = filters[dimension];
      return values === undefined ? [] : [[`${dimension}s`, values]];
    }),
  );
}

function keyOf(row: MeasuredRow): string {
  const { bucket, advertiser, campaign, ad, geo, device, publisher, currency } = row;
  return JSON.stringify([bucket, advertiser, campaign, ad, geo, device, publisher, currency]);
}

/** Adds up the rows of stores that each hold another part of the time. */
export function mergeMeasured(parts: readonly (readonly MeasuredRow[])[]): MeasuredRow[] {
  const merged = new Map<string, MeasuredRow>();
  for (const row of parts.flat()) {
    const key = keyOf(row);
    const before = merged.get(key);
    merged.set(key, before === undefined ? row : addUp(before, row));
  }
  return [...merged.values()];
}

function addUp(a: MeasuredRow, b: MeasuredRow): MeasuredRow {
  return {
    ...a,
    clicks: a.clicks + b.clicks,
    gross_clicks: a.gross_clicks + b.gross_clicks,
    net_clicks: a.net_clicks === null || b.net_clicks === null ? null : a.net_clicks + b.net_clicks,
    duplicate_clicks: a.duplicate_clicks + b.duplicate_clicks,
    impressions: a.impressions + b.impressions,
    conversions: a.conversions + b.conversions,
    // A user may be in both parts.
    unique_users: null,
    cost_micros: a.cost_micros + b.cost_micros,
    // What one part does not know, nobody knows of the whole.
    attributed_conversions:
      a.attributed_conversions === null || b.attributed_conversions === null
        ? null
        : a.attributed_conversions + b.attributed_conversions,
    attributed_value_micros:
      a.attributed_value_micros === null || b.attributed_value_micros === null
        ? null
        : a.attributed_value_micros + b.attributed_value_micros,
  };
}

const RATE_SCALE = 1_000_000;

/** Invalid clicks as a share of gross, to six decimals; null without a gross click. */
export function invalidRate({
  gross_clicks,
  clicks,
}: Pick<MeasuredRow, "gross_clicks" | "clicks">): number | null {
  if (gross_clicks === 0) return null;
  return Math.round(((gross_clicks - clicks) / gross_clicks) * RATE_SCALE) / RATE_SCALE;
}

/** @param isDecided Whether all rules have looked at every click. */
export function trafficOf(rows: readonly MeasuredRow[], isDecided: boolean): ReportTraffic {
  const total = (of: (row: MeasuredRow) => number) => rows.reduce((sum, row) => sum + of(row), 0);
  const clicks = total((row) => row.clicks);
  const gross_clicks = total((row) => row.gross_clicks);
  const knowsNet = rows.every((row) => row.net_clicks !== null);
  return {
    gross_clicks,
    net_clicks: knowsNet ? total((row) => row.net_clicks ?? 0) : null,
    total_net_clicks: clicks,
    invalid_rate: invalidRate({ gross_clicks, clicks }),
    decision_rate: isDecided ? 1 : null,
  };
}

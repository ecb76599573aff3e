/** Counts as the stores give them, before they are named. */
import { z } from "zod";
import type { Dimension, ReportTraffic } from "./reportQuery.ts";

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

/** Which dimensions split the rows, as parameters of the SQL. */
export function splitParams(dimensions: readonly Dimension[]) {
  return {
    by_advertiser: dimensions.includes("advertiser"),
    by_campaign: dimensions.includes("campaign"),
    by_ad: dimensions.includes("ad"),
    by_geo: dimensions.includes("geo"),
    by_device: dimensions.includes("device"),
    by_publisher: dimensions.includes("publisher"),
  };
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
export const BUCKET_SQL = `if({bucket_seconds: UInt32} = 0,
        arrayLast(start -> start <= greatest(t, {bucket_from: Int64}), {bucket_starts: Array(Int64)}),
        greatest(t - t % greatest({bucket_seconds: UInt32}, 1), {bucket_from: Int64}))`;

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

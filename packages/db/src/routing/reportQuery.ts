/** A report: what can be asked, and the shape of the answer in the words of the public API. */
import type { InstantRange } from "@trueclick/shared/calendar";
import type { Finality } from "../queries/finality.ts";
import type { TenantScope } from "../tenant.ts";
import type { Granularity } from "./buckets.ts";
import type { ReportMode, Route } from "./route.ts";

export const DIMENSIONS = ["campaign", "ad", "geo", "device", "publisher", "advertiser"] as const;
export type Dimension = (typeof DIMENSIONS)[number];

/** The dimensions of which the hot store keeps one at a time; each has a cube of its name. */
export const DETAIL_DIMENSIONS = ["ad", "geo", "device", "publisher"] as const;
export type DetailDimension = (typeof DETAIL_DIMENSIONS)[number];

/** Most rows of one answer; a report with more is refused, never cut. */
export const REPORT_ROWS_MAX = 50_000;
/** Longest range of one report. */
export const REPORT_DAYS_MAX = 800;
/** Most values that one dimension may be filtered by. */
export const FILTER_VALUES_MAX = 200;

export interface ReportQuery {
  readonly scope: TenantScope;
  readonly mode: ReportMode;
  /** Inclusive, epoch milliseconds. */
  readonly fromMs: number;
  /** Exclusive, epoch milliseconds. */
  readonly toMs: number;
  readonly granularity: Granularity;
  readonly dimensions: readonly Dimension[];
  /**
   * Reads the truth versions that were current at this instant, epoch milliseconds; now when
   * undefined. Billing mode only.
   */
  readonly asOfMs?: number | undefined;
  /** IANA name: whose calendar days the buckets of `day` are. */
  readonly timeZone: string;
  /** Only rows whose dimension has one of the values; an empty list leaves no row. */
  readonly filters: { readonly [D in Dimension]?: readonly string[] | undefined };
}

/** Counts of one bucket and one combination of dimension values. Buckets without counts have none. */
export interface ReportRow {
  /** Start of the bucket, ISO 8601 UTC; absent for a total. */
  time?: string;
  campaign?: string;
  campaign_name?: string | null;
  ad?: string;
  ad_name?: string | null;
  geo?: string;
  device?: string;
  publisher?: string;
  advertiser?: string;
  advertiser_name?: string | null;
  /** Valid clicks: what counts. */
  clicks: number;
  /** All but duplicates and test traffic. */
  gross_clicks: number;
  /** Gross without general invalid traffic; null where the store does not tell it apart. */
  net_clicks: number | null;
  /** Gross less valid. */
  invalid_clicks: number;
  /** Invalid as a share of gross, to six decimals; null without a gross click. */
  invalid_rate: number | null;
  duplicate_clicks: number;
  impressions: number;
  conversions: number;
  /**
   * Of valid clicks. Exact in truth; within 1 percent where the stream has counted, and null where
   * it cannot tell: by minute, by another dimension than the campaign, or where a bucket cuts an
   * hour of UTC.
   */
  unique_users: number | null;
  /** Micros of `currency`. Rows of two currencies are never added up. */
  cost_micros: number;
  currency: string;
  /**
   * Conversions that are due to a valid click, by the dimensions of that click and the time of the
   * conversion; null where the stream has counted, which does not look back.
   */
  attributed_conversions: number | null;
  /** Their value, micros of `currency`; null also past 2^53. */
  attributed_value_micros: number | null;
}

export interface ReportVersion {
  readonly advertiser: string;
  readonly day: string;
  readonly version: number;
}

export interface ReportTraffic {
  readonly gross_clicks: number;
  /** Gross without general invalid traffic; null where the store does not tell it apart. */
  readonly net_clicks: number | null;
  /** Without any invalid traffic: the valid clicks. */
  readonly total_net_clicks: number;
  readonly invalid_rate: number | null;
  /**
   * The share of gross clicks of which it was decided by all rules whether they are valid. A version
   * is not published unless each of its events has a verdict, so 1 where truth alone answered; null
   * where it did not, since the stream knows the quick rules only.
   */
  readonly decision_rate: number | null;
}

export interface ReportMeta {
  readonly mode: ReportMode;
  readonly store: Route["store"];
  readonly reason: string;
  /** The instant that the answer is of, ISO 8601 UTC: when it was read, unless one was asked for. */
  readonly as_of: string;
  /** No earlier event is expected by the stream any more; null where it was not asked. */
  readonly watermark: string | null;
  readonly finality: Finality;
  /** When the last billing day of the range closes, ISO 8601 UTC; null where there is no account. */
  readonly final_at: string | null;
  /** The day of that in the zone of the account that closes last, `YYYY-MM-DD`. */
  readonly final_on: string | null;
  /** Clicks of the whole answer by how invalid traffic is taken out of them. */
  readonly traffic: ReportTraffic;
  /** The truth versions that were read, by advertiser and day; absent where none were. */
  readonly versions?: readonly ReportVersion[];
  /** How many more were read than `versions` lists. */
  readonly versions_omitted?: number;
  /** The stream had to leave detail out. */
  readonly degraded: boolean;
}

export interface ReportAnswer {
  readonly rows: readonly ReportRow[];
  readonly meta: ReportMeta;
}

/** The same, its rows as the text of a JSON array. */
export interface ReportText extends Pick<ReportAnswer, "meta"> {
  readonly rowsJson: string;
  /** How final the numbers of a part of the range are, as `meta.finality` is of all of it. */
  readonly finalityIn: (range: InstantRange) => Finality;
}

/** The rows of a report as such a text, what is told of all of them, and of when they are. */
export interface DatedRows extends ReadAt {
  readonly rowsJson: string;
  readonly traffic: ReportTraffic;
  readonly usersOmitted: boolean;
}

export interface ReadAt {
  /** All that was written by then is in what was read, epoch milliseconds. */
  readonly readAtMs: number;
  /** The stream's then. */
  readonly watermarkMs: number | null;
}

/** What lines of closed hours say of a hot report, in place of the engine. */
import type { InstantRange } from "@trueclick/shared/calendar";
import { HOUR_MS } from "@trueclick/shared/time";
import { readHotLines } from "../queries/hotLines.ts";
import type { HotLine } from "../queries/parseHotLines.ts";
import type { Stores } from "../stores.ts";
import { bucketStartsMs } from "./buckets.ts";
import type { CampaignRow } from "./campaignRows.ts";
import type { GivtRow } from "./hotGivt.ts";
import type { Extents, SettledHours } from "./hotSettled.ts";
import { type MeasuredRow, UNTOLD } from "./measures.ts";
import { REPORT_ROWS_MAX, type ReportQuery } from "./reportQuery.ts";

/** What lines tell of a report. */
export interface LinedRows {
  readonly cells: readonly MeasuredRow[];
  readonly givt: readonly GivtRow[];
  /** Of lines, where each is a row; see `tellsUsers`. */
  readonly users: readonly (CampaignRow & { readonly users: number })[];
}

/**
 * The hours that lines may tell: settled ones that the report begins with, whole, and by campaign at the
 * most. Null for none.
 */
export function linedHours(query: ReportQuery, { settled }: Extents): InstantRange | null {
  const hours = settled?.parts.hours ?? null;
  const { fromMs, granularity } = query;
  if (hours === null || hours.fromMs !== fromMs || fromMs % HOUR_MS !== 0) return null;
  if (hours.toMs % HOUR_MS !== 0) return null;
  // A day of a zone of half hours begins within a line.
  const isCut = granularity === "day" && bucketStartsMs(query).some((ms) => ms % HOUR_MS !== 0);
  return isCut ? null : hours;
}

/** What is left for the engine once lines have told the settled hours; null for nothing. */
export function unlinedExtents({ rest, border: _ }: Extents): Extents | null {
  if (rest === null) return null;
  return { all: rest, settled: null, rest, border: { settled_from: 0, settled_to: 0 } };
}

/** @returns null where some hour has no lines. */
export function readClosedLines(
  stores: Pick<Stores, "db" | "memo">,
  query: ReportQuery,
  hours: InstantRange,
  { currency, asOf }: Pick<SettledHours, "asOf"> & { readonly currency: string },
): Promise<readonly HotLine[] | null> {
  const { scope, dimensions, filters, granularity } = query;
  return readHotLines(
    stores,
    scope,
    {
      ...hours,
      bucketsMs: granularity === "hour" ? null : bucketStartsMs(query),
      byAdvertiser: dimensions.includes("advertiser"),
      byCampaign: dimensions.includes("campaign"),
      campaigns: filters.campaign ?? null,
      currency,
      rowsMax: REPORT_ROWS_MAX + 1,
    },
    asOf,
  );
}

/**
 * Rows of a report that is told by lines alone, each of which is a row.
 *
 * @param whole Starts of the buckets whose users may be told, epoch seconds; null for none.
 */
export function rowsOfLines(
  lines: readonly HotLine[],
  whole: ReadonlySet<number> | null,
): MeasuredRow[] {
  return lines.map((line) => {
    const row = toCells(line);
    const users = line.clicks === 0 ? 0 : line.uniqueUsers;
    return {
      ...row,
      net_clicks: Math.max(row.gross_clicks - line.givtClicks, row.clicks),
      unique_users: whole?.has(line.bucket) ? users : null,
    };
  });
}

/** Rows of a report, and what is kept beside them, to be added to those of others. */
export function toLinedRows(lines: readonly HotLine[]): LinedRows {
  return {
    cells: lines.map(toCells),
    givt: lines.map((line) => ({ ...placeOf(line), events: line.givtClicks })),
    users: lines.flatMap(toUsersRow),
  };
}

/** Whether each row is one line: users of several do not add up. */
export function tellsUsers({ scope, dimensions, filters, granularity }: ReportQuery): boolean {
  if (granularity !== "hour") return false;
  if (dimensions.includes("campaign")) return true;
  if (filters.campaign !== undefined) return filters.campaign.length <= 1;
  return (
    dimensions.includes("advertiser") || (scope.kind === "advertisers" && scope.ids.length <= 1)
  );
}

const placeOf = ({ bucket, advertiser, campaign, currency }: HotLine) => {
  return { bucket, advertiser, campaign, currency };
};

function toCells(line: HotLine): MeasuredRow {
  return {
    ...placeOf(line),
    ...{ ad: "", geo: "", device: "", publisher: "" },
    clicks: line.clicks,
    gross_clicks: line.clicks + line.invalidClicks,
    duplicate_clicks: line.duplicateClicks,
    impressions: line.impressions,
    conversions: line.conversions,
    cost_micros: line.costMicros,
    ...UNTOLD,
  };
}

function toUsersRow(line: HotLine) {
  return line.uniqueUsers === null ? [] : [{ ...placeOf(line), users: line.uniqueUsers }];
}

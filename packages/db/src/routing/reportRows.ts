import { SECOND_MS } from "@trueclick/shared/time";
import type { Names } from "../queries/advertisers.ts";
import type { Account } from "../queries/reportFacts.ts";
import { invalidRate, type MeasuredRow } from "./measures.ts";
import type { ReportQuery, ReportRow } from "./reportQuery.ts";

/** The ids that rows are named by. */
export function idsOf(rows: readonly MeasuredRow[]) {
  return {
    campaignIds: distinct(rows.map((row) => row.campaign)),
    adIds: distinct(rows.map((row) => row.ad)),
  };
}

/** Rows in the words of the public API, oldest first, with names beside the ids. */
export function nameRows(
  query: ReportQuery,
  rows: readonly MeasuredRow[],
  accounts: readonly Account[],
  names: Names,
): ReportRow[] {
  const accountNames = new Map<string, string>(accounts.map(({ id, name }) => [id, name]));
  return rows
    .toSorted((a, b) => a.bucket - b.bucket || b.clicks - a.clicks || compareIds(a, b))
    .map((row) => ({
      ...timeOf(query, row),
      ...dimensionsOf(query, row, names, accountNames),
      ...measuresOf(row),
    }));
}

const ORDER = ["campaign", "ad", "geo", "device", "publisher", "advertiser", "currency"] as const;

/** Rows come in no order of their own: engines give groups in any, and some are told in parts. */
function compareIds(a: MeasuredRow, b: MeasuredRow): number {
  const dimension = ORDER.find((one) => a[one] !== b[one]);
  if (dimension === undefined) return 0;
  return a[dimension] < b[dimension] ? -1 : 1;
}

/** Ids that were asked for; a dimension that was not is empty, and so may be an id itself. */
const distinct = (ids: readonly string[]) => [...new Set(ids)].filter((id) => id !== "");

function timeOf({ granularity, fromMs }: ReportQuery, { bucket }: MeasuredRow) {
  if (granularity === "total") return {};
  // The first bucket starts where the report does, to the millisecond.
  return { time: new Date(Math.max(bucket * SECOND_MS, fromMs)).toISOString() };
}

function dimensionsOf(
  { dimensions }: ReportQuery,
  row: MeasuredRow,
  names: Names,
  accountNames: ReadonlyMap<string, string>,
): Partial<ReportRow> {
  const named: Partial<ReportRow> = {};
  for (const dimension of dimensions) named[dimension] = row[dimension];
  if (dimensions.includes("advertiser")) {
    named.advertiser_name = accountNames.get(row.advertiser) ?? null;
  }
  if (dimensions.includes("campaign")) {
    named.campaign_name = names.campaigns.get(row.campaign) ?? null;
  }
  if (dimensions.includes("ad")) named.ad_name = adName(names, row);
  return named;
}

/** An ad is named within its campaign; over several campaigns, only if they agree. */
function adName({ ads }: Names, { ad, campaign }: MeasuredRow): string | null {
  const byCampaign = ads.get(ad);
  if (byCampaign === undefined) return null;
  if (campaign !== "") return byCampaign.get(campaign) ?? null;
  const [name, ...others] = new Set(byCampaign.values());
  return name !== undefined && others.length === 0 ? name : null;
}

function measuresOf(row: MeasuredRow) {
  return {
    clicks: row.clicks,
    gross_clicks: row.gross_clicks,
    net_clicks: row.net_clicks,
    invalid_clicks: row.gross_clicks - row.clicks,
    invalid_rate: invalidRate(row),
    duplicate_clicks: row.duplicate_clicks,
    impressions: row.impressions,
    conversions: row.conversions,
    unique_users: row.unique_users,
    cost_micros: row.cost_micros,
    currency: row.currency,
    attributed_conversions: row.attributed_conversions,
    attributed_value_micros: exactNumber(row.attributed_value_micros),
  };
}

/** A sum of what senders say of values may pass what a number holds exactly; then it is not told. */
function exactNumber(micros: bigint | null): number | null {
  if (micros === null) return null;
  const number = Number(micros);
  return Number.isSafeInteger(number) ? number : null;
}

/** What ClickHouse says of whole hours of the hot store, by campaign: what lines are made of. */
import type { ClickHouseClient } from "@clickhouse/client";
import { SECOND_MS } from "@trueclick/shared/time";
import { z } from "zod";
import { runQuery } from "../clickhouse/reader.ts";
import { GIVT_VERDICTS, streamEvidenceSql } from "./streamEvidence.ts";

/** The counts of a campaign and hour, or of an advertiser and hour. */
export interface HourCounts {
  /** Epoch seconds. */
  readonly hour: number;
  readonly advertiserId: string;
  /** Empty: all of the advertiser. */
  readonly campaignId: string;
  readonly clicks: bigint;
  readonly invalidClicks: bigint;
  readonly givtClicks: bigint;
  readonly duplicateClicks: bigint;
  readonly impressions: bigint;
  readonly conversions: bigint;
  readonly costMicros: bigint;
  /** Null: not known. */
  readonly uniqueUsers: bigint | null;
}

const count = z.coerce.bigint();
const place = { hour: z.coerce.number(), advertiserId: z.string(), campaignId: z.string() };
const cellsRow = z.object({
  ...place,
  ...{ clicks: count, invalidClicks: count, duplicateClicks: count, impressions: count },
  ...{ conversions: count, costMicros: count },
});
const givtRow = z.object({ ...place, givtClicks: count });
const usersRow = z.object({ ...place, uniqueUsers: count });

/** Hours before the first and the last of which rows of other hours are not looked at. */
const WITHIN = (column: string) => `${column} >= fromUnixTimestamp({from: Int64})
      AND ${column} < fromUnixTimestamp({to: Int64})
      AND toUnixTimestamp(toStartOfHour(${column})) IN ({hours: Array(UInt32)})`;

const PLACE = "advertiser_id AS advertiserId, campaign_id AS campaignId";

const CELLS_SQL = `
  SELECT toUnixTimestamp(toStartOfHour(span_start)) AS hour, ${PLACE},
    sum(hot.clicks) AS clicks, sum(hot.invalid_clicks) AS invalidClicks,
    sum(hot.duplicate_clicks) AS duplicateClicks, sum(hot.impressions) AS impressions,
    sum(hot.conversions) AS conversions, sum(hot.cost_micros) AS costMicros
  FROM hot_hours AS hot FINAL
  WHERE cube = 'ad' AND ${WITHIN("span_start")}
  GROUP BY hour, advertiserId, campaignId
  LIMIT {campaigns_max: UInt32} BY hour`;

const GIVT_SQL = `
  SELECT toUnixTimestamp(event_hour) AS hour, ${PLACE}, count() AS givtClicks
  FROM ${streamEvidenceSql(`event_type = 'click' AND ${WITHIN("event_hour")}`)}
  WHERE reason IN {givt_verdicts: Array(String)} AND advertiser_id != ''
  GROUP BY hour, advertiserId, campaignId`;

const usersSql = (campaign: string) => `
  SELECT toUnixTimestamp(event_hour) AS hour, advertiser_id AS advertiserId,
    ${campaign} AS campaignId, uniqCombined64Merge(users) AS uniqueUsers
  FROM hot_users
  WHERE ${WITHIN("event_hour")}
  GROUP BY hour, advertiserId, campaignId`;

/**
 * Reads hours that are rolled up, of all tenants: for who keeps the hot store, never for a caller.
 *
 * @param hoursMs Starts of UTC hours, ascending, not empty; epoch milliseconds.
 * @param campaignsMax Of an hour with more, that many are read, and any.
 */
export async function readHourCounts(
  clickhouse: ClickHouseClient,
  hoursMs: readonly number[],
  campaignsMax: number,
): Promise<HourCounts[]> {
  const hours = hoursMs.map((ms) => ms / SECOND_MS);
  const params = {
    hours,
    from: Math.min(...hours),
    to: Math.max(...hours) + 3_600,
    campaigns_max: campaignsMax,
    givt_verdicts: GIVT_VERDICTS,
  };
  const query = { name: "hotLines", params, settings: SETTINGS };
  const cells = await runQuery(clickhouse, { ...query, sql: CELLS_SQL, row: cellsRow });
  const givt = await runQuery(clickhouse, { ...query, sql: GIVT_SQL, row: givtRow });
  const ofCampaigns = { ...query, sql: usersSql("campaign_id"), row: usersRow };
  const ofAdvertisers = { ...query, sql: usersSql("''"), row: usersRow };
  const users = [
    ...(await runQuery(clickhouse, ofCampaigns)),
    ...(await runQuery(clickhouse, ofAdvertisers)),
  ];
  const givtOf = new Map(givt.map((row) => [keyOf(row), row.givtClicks]));
  const usersOf = new Map(users.map((row) => [keyOf(row), row.uniqueUsers]));
  const campaigns = cells.map((row) => ({ ...row, givtClicks: givtOf.get(keyOf(row)) ?? 0n }));
  return [...campaigns, ...byAdvertiser(campaigns)].map((row) => {
    return { ...row, uniqueUsers: usersOf.get(keyOf(row)) ?? null };
  });
}

/** Versions of a row never lie in two partitions of a table. */
const SETTINGS = { do_not_merge_across_partitions_select_final: 1 } as const;

type Counts = Omit<HourCounts, "uniqueUsers">;

function byAdvertiser(campaigns: readonly Counts[]): Counts[] {
  const totals = new Map<string, Counts>();
  for (const one of campaigns) {
    const row = { ...one, campaignId: "" };
    const before = totals.get(keyOf(row));
    totals.set(keyOf(row), before === undefined ? row : addUp(before, row));
  }
  return [...totals.values()];
}

function addUp(one: Counts, other: Counts): Counts {
  return {
    ...one,
    clicks: one.clicks + other.clicks,
    invalidClicks: one.invalidClicks + other.invalidClicks,
    givtClicks: one.givtClicks + other.givtClicks,
    duplicateClicks: one.duplicateClicks + other.duplicateClicks,
    impressions: one.impressions + other.impressions,
    conversions: one.conversions + other.conversions,
    costMicros: one.costMicros + other.costMicros,
  };
}

const keyOf = ({ hour, advertiserId, campaignId }: Pick<HourCounts, keyof typeof place>) =>
  JSON.stringify([hour, advertiserId, campaignId]);

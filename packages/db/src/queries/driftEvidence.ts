/** What drift is worked out from, asked of ClickHouse. Times are epoch seconds. */
import type { ClickHouseClient } from "@clickhouse/client";
import type { IsoDay } from "@trueclick/shared/calendar";
import { z } from "zod";
import type { ClickHouseQuery } from "../clickhouse/reader.ts";
import { runPinnedTenantQuery, runTenantQuery } from "../clickhouse/tenantReader.ts";
import type { HotParts } from "../routing/hotParts.ts";
import type { Stores } from "../stores.ts";
import { TENANT_CONDITION, type TenantScope } from "../tenant.ts";
import { type HeldParams, rowsOfVersions } from "./heldRows.ts";
import { hotCellsParams, hotCellsSql } from "./hotCells.ts";
import { streamEvidenceSql } from "./streamEvidence.ts";

/** Clicks of one campaign and hour on both sides. */
export interface DriftTotal {
  readonly advertiser: string;
  readonly campaign: string;
  readonly hour: number;
  readonly stream: number;
  readonly truth: number;
}

interface TotalsParams extends HeldParams {
  /** Where the stream's counts of the hours are read from. */
  readonly parts: HotParts;
  /** Whole hours. */
  readonly from: number;
  readonly to: number;
  /** Billing days of the builds, by which the tables of truth are sorted. */
  readonly first_day: IsoDay;
  readonly last_day: IsoDay;
  readonly any_campaign: boolean;
  readonly campaigns: readonly string[];
  readonly rows_max: number;
}

/** An event is of one campaign, whichever side tells of it. */
const campaignCondition = ({ any_campaign }: { readonly any_campaign: boolean }) =>
  any_campaign ? "true" : "campaign_id IN ({campaigns: Array(String)})";

const seconds = z.coerce.number().int();
const count = z.coerce.number().int().nonnegative();

/** Made once: to make a schema takes longer than to check a few rows by it. */
const totalRow = z.object({
  advertiser: z.string(),
  campaign: z.string(),
  hour: seconds,
  stream: count,
  truth: count,
});
const evidenceRow = z.object({
  campaign: z.string(),
  hour: seconds,
  reason: z.string(),
  verdict: z.string(),
  events: count,
});

type ReadStores = Pick<Stores, "clickhouse" | "memo">;

/** What rows depend on beside the parameters; null: on what is written next, so they are read each time. */
type AsOf = readonly unknown[] | null;

function runAsOf<Row>(
  stores: ReadStores,
  scope: TenantScope,
  query: ClickHouseQuery<Row>,
  asOf: AsOf,
): Promise<Row[]> {
  if (asOf === null) return runTenantQuery(stores.clickhouse, scope, query);
  return runPinnedTenantQuery(stores, scope, query, asOf);
}

/** Clicks by campaign and hour as the stream and as the named builds of truth count them. */
export function driftTotals(
  stores: ReadStores,
  scope: TenantScope,
  { parts, ...params }: TotalsParams,
  asOf: AsOf = null,
): Promise<DriftTotal[]> {
  const query = {
    name: "driftTotals",
    params: { ...params, ...hotCellsParams(parts), cube: "ad" },
    row: totalRow,
    sql: `
      SELECT advertiser, campaign, hour, sum(stream_clicks) AS stream, sum(truth_clicks) AS truth
      FROM (
        SELECT
          advertiser_id AS advertiser,
          campaign_id AS campaign,
          toUInt32(intDiv(t, 3600) * 3600) AS hour,
          clicks AS stream_clicks,
          0 AS truth_clicks
        FROM ${hotCellsSql(parts, campaignCondition(params))}
        UNION ALL
        SELECT
          advertiser_id AS advertiser,
          campaign_id AS campaign,
          toUnixTimestamp(event_hour) AS hour,
          0 AS stream_clicks,
          events AS truth_clicks
        FROM truth_cube
        WHERE ${TENANT_CONDITION}
          AND billing_day BETWEEN {first_day: Date} AND {last_day: Date}
          AND ${rowsOfVersions("truth_cube", params)}
          AND ${campaignCondition(params)}
          AND event_type = 'click' AND verdict = 'valid'
          AND event_hour >= fromUnixTimestamp({from: Int64})
          AND event_hour < fromUnixTimestamp({to: Int64})
      )
      GROUP BY advertiser, campaign, hour
      HAVING stream > 0 OR truth > 0
      ORDER BY hour, campaign
      LIMIT {rows_max: UInt32}
    `,
  };
  return runAsOf(stores, scope, query, asOf);
}

/**
 * How far truth and stream have read. A build's days are found by time, and its frontier is the
 * first offset of a partition that its pinned objects do not hold: objects are pinned in the order
 * of the log, so what lies before was in them.
 */
export interface FrontierParams extends HeldParams {
  /** Starts and ends of the days that have a build, ascending. */
  readonly day_starts: readonly number[];
  readonly day_ends: readonly number[];
  /** The own builds of their versions. */
  readonly builds: readonly number[];
  readonly first_day: IsoDay;
  readonly last_day: IsoDay;
  /** `frontierKey` of a build and a partition, and the frontier there. */
  readonly frontier_keys: readonly number[];
  readonly frontiers: readonly bigint[];
  /** The stream's next offset by partition. */
  readonly partitions: readonly number[];
  readonly stream_next: readonly bigint[];
  /** Campaigns of the tenant that became known so late that events of theirs came before. */
  readonly new_campaigns: readonly string[];
}

/** One number for a build and a partition; partitions are below 65,536. */
export const frontierKey = (buildId: number, partition: number) => buildId * 65_536 + partition;

/** The build whose day holds `second`, 0 where none does. */
const buildAt = (second: string) => `arrayFirst(
        (build, day_start, day_end) -> day_start <= ${second} AND ${second} < day_end,
        {builds: Array(UInt64)}, {day_starts: Array(Int64)}, {day_ends: Array(Int64)})`;

const frontierOf = (build: string) => `transform(
        toUInt64(${build} * 65536 + partition),
        {frontier_keys: Array(UInt64)}, {frontiers: Array(UInt64)}, toUInt64(0))`;

const STREAM_NEXT = `transform(
        toUInt64(partition), {partitions: Array(UInt64)}, {stream_next: Array(UInt64)}, toUInt64(0))`;

interface EvidenceParams extends FrontierParams {
  /** Whether a backfill may have put evidence of the hours right. */
  readonly mayBeCorrected: boolean;
  readonly from: number;
  readonly to: number;
  readonly any_campaign: boolean;
  readonly campaigns: readonly string[];
}

/**
 * Rejects of a tenant's campaigns, those included that came before the campaign was known here and
 * so bear no advertiser.
 */
const STREAM_TENANT = `(${TENANT_CONDITION}
            OR (advertiser_id = '' AND campaign_id IN ({new_campaigns: Array(String)})))`;

/**
 * Clicks that one side counted and the other did not, of one advertiser, by campaign, hour and what
 * each side says. Events that truth had not pinned, or the stream not read, are left out.
 */
export function driftEvidence(
  stores: ReadStores,
  scope: TenantScope,
  { mayBeCorrected, ...params }: EvidenceParams,
  asOf: AsOf = null,
) {
  const query = {
    name: "driftEvidence",
    params,
    row: evidenceRow,
    sql: `
      SELECT
        if(reason = '', truth_campaign, stream_campaign) AS campaign,
        if(reason = '', truth_hour, stream_hour) AS hour,
        reason,
        verdict,
        count() AS events
      FROM (
        SELECT
          partition, offset, \`index\`,
          campaign_id AS stream_campaign,
          toUnixTimestamp(event_hour) AS stream_hour,
          toString(reason) AS reason,
          toUnixTimestamp(event_time) AS second
        FROM ${streamEvidenceSql(
          `${STREAM_TENANT}
          AND event_type = 'click' AND ${campaignCondition(params)}
          AND event_hour >= fromUnixTimestamp({from: Int64})
          AND event_hour < fromUnixTimestamp({to: Int64})`,
          mayBeCorrected,
        )}
      ) AS stream
      FULL OUTER JOIN (
        SELECT
          partition, offset, \`index\`,
          campaign_id AS truth_campaign,
          toUnixTimestamp(event_hour) AS truth_hour,
          toString(verdict) AS verdict
        FROM truth_rejects
        WHERE ${TENANT_CONDITION}
          AND billing_day BETWEEN {first_day: Date} AND {last_day: Date}
          AND ${rowsOfVersions("truth_rejects", params)}
          AND event_type = 'click' AND ${campaignCondition(params)}
          AND event_hour >= fromUnixTimestamp({from: Int64})
          AND event_hour < fromUnixTimestamp({to: Int64})
      ) AS truth
      USING (partition, offset, \`index\`)
      WHERE (reason != '' AND offset < ${frontierOf(buildAt("second"))})
        OR (reason = '' AND offset < ${STREAM_NEXT})
      GROUP BY campaign, hour, reason, verdict
    `,
  };
  return runAsOf(stores, scope, query, asOf);
}

interface IndexParams extends FrontierParams {
  /** Hours with a difference that evidence does not explain. */
  readonly hours: readonly number[];
  /** Their campaigns, all of the one tenant asked for. */
  readonly campaigns: readonly string[];
}

/**
 * Archived clicks that only one side has read, by campaign and hour, without those that the side
 * which read them did not count. The row index knows no advertiser; `campaigns` are the tenant's.
 */
export function driftIndex(clickhouse: ClickHouseClient, scope: TenantScope, params: IndexParams) {
  return runTenantQuery(clickhouse, scope, {
    name: "driftIndex",
    params,
    row: z.object({
      campaign: z.string(),
      hour: seconds,
      not_in_truth_min: count,
      not_in_truth_max: count,
      not_streamed: count,
    }),
    // Where a day starts within an hour, the hour has two builds and an event of it one of them.
    sql: `
      SELECT
        campaign_id AS campaign,
        hour,
        uniqExactIf((partition, offset, \`index\`),
          streamed AND NOT stream_rejected AND offset >= greatest(frontier, next_frontier))
          AS not_in_truth_min,
        uniqExactIf((partition, offset, \`index\`),
          streamed AND NOT stream_rejected AND offset >= least(frontier, next_frontier))
          AS not_in_truth_max,
        uniqExactIf((partition, offset, \`index\`),
          NOT streamed AND NOT truth_rejected AND offset < least(frontier, next_frontier))
          AS not_streamed
      FROM (
        SELECT
          campaign_id, partition, offset, \`index\`,
          toInt64(toUnixTimestamp(event_hour)) AS hour,
          offset < ${STREAM_NEXT} AS streamed,
          ${frontierOf(buildAt("hour"))} AS frontier,
          ${frontierOf(buildAt("hour + 3599"))} AS next_frontier,
          (partition, offset, \`index\`) GLOBAL IN (
            SELECT partition, offset, \`index\`
            FROM ${streamEvidenceSql(`${STREAM_TENANT}
              AND toUnixTimestamp(event_hour) IN ({hours: Array(UInt32)})`)}
          ) AS stream_rejected,
          (partition, offset, \`index\`) GLOBAL IN (
            SELECT partition, offset, \`index\`
            FROM truth_rejects
            WHERE ${TENANT_CONDITION}
              AND billing_day BETWEEN {first_day: Date} AND {last_day: Date}
              AND ${rowsOfVersions("truth_rejects", params)}
              AND toUnixTimestamp(event_hour) IN ({hours: Array(UInt32)})
          ) AS truth_rejected
        FROM event_index
        WHERE campaign_id IN ({campaigns: Array(String)})
          AND event_type = 'click'
          AND toUnixTimestamp(event_hour) IN ({hours: Array(UInt32)})
      )
      GROUP BY campaign, hour
    `,
  });
}

import { SECOND_MS } from "@trueclick/shared/time";
import { rateRows } from "./campaignSql.ts";
import { CELL_COLUMNS, SEGMENT, withSegment } from "./cellKey.ts";
import { inDay } from "./inDay.ts";
import type { PinnedCampaign, PinnedInputs } from "./inputs.ts";

export interface CubeRows {
  /** Keys and cells of the events of whole event hours, as a sub-query with the columns of `keysSql`. */
  readonly keys: string;
  /** Events of them that may not be valid, all that are not included, with `JUDGED_COLUMNS`. */
  readonly suspects: string;
  /** Start of the first of these hours, epoch milliseconds. */
  readonly firstHourMs: number;
  /** End of the last one; keys may go on behind it. */
  readonly endMs: number;
}

const COORDINATES = "partition, offset, `index`";
const DIMENSIONS = "campaign_id, event_hour, ad_id, publisher_id, geo, device, event_type, verdict";

/**
 * SQL that counts and prices the events of a day by all dimensions. An event is valid unless the
 * build has a row that says why not, which must have been written before; such events are among the
 * suspects. Prices are looked up once a cell: none spans an instant at which one changes.
 *
 * The build is named by the parameters `advertiserId`, `billingDay` and `buildId`.
 */
export function cubeSql(
  { keys, suspects, firstHourMs, endMs }: CubeRows,
  { campaigns, bounds }: Pick<PinnedInputs, "campaigns" | "bounds">,
): string {
  const changes = rateChanges(campaigns, firstHourMs, endMs);
  const cell = changes.length === 0 ? "cell" : withSegment(segmentSql(changes));
  const segment = changes.length === 0 ? "0" : SEGMENT;
  return `
    WITH
      rates AS (${rateRows(campaigns)}),
      rejects AS (
        SELECT ${COORDINATES}, toString(verdict) AS verdict
        FROM truth_rejects
        WHERE advertiser_id = {advertiserId: String} AND billing_day = {billingDay: Date}
          AND build_id = {buildId: UInt64}
          AND event_hour >= fromUnixTimestamp(${firstHourMs / SECOND_MS})
          AND event_hour < fromUnixTimestamp(${endMs / SECOND_MS})
      ),
      cells AS (
        -- A list that is sorted and compacted is the same as a set, in less than half the time.
        SELECT ${cell} AS key, 'valid' AS verdict, count() AS events,
          arrayCompact(arraySort(groupArrayIf(person, is_user))) AS user_hashes
        FROM ${keys}
        WHERE event_time_ms < ${endMs} AND ${inDay(bounds)}
          AND (${COORDINATES}) NOT IN (SELECT ${COORDINATES} FROM rejects)
        GROUP BY key
        UNION ALL
        SELECT ${cell} AS key, rejects.verdict AS verdict, count(), emptyArrayUInt64()
        FROM ${suspects} AS suspects
        INNER JOIN rejects USING (${COORDINATES})
        GROUP BY key, verdict
      ),
      named AS (
        SELECT ${CELL_COLUMNS}, verdict, events, user_hashes,
          arrayElement([${[firstHourMs, ...changes].join(", ")}], ${segment} + 1) AS since_ms
        FROM cells
      ),
      priced AS (
        SELECT ${DIMENSIONS}, events,
          toInt64(if(verdict = 'valid' AND event_type = 'click', events * cpc_micros, 0))
            AS cost_micros,
          user_hashes
        FROM named
        ASOF LEFT JOIN rates
          ON named.campaign_id = rates.campaign_id AND named.since_ms >= rates.effective_from_ms
      )
    ${changes.length === 0 ? "SELECT * FROM priced" : UNITED}`;
}

/** The cells of one hour are one again, whatever their prices. */
const UNITED = `SELECT ${DIMENSIONS}, sum(priced.events), sum(priced.cost_micros),
      arraySort(groupUniqArrayArray(priced.user_hashes))
    FROM priced
    GROUP BY ${DIMENSIONS}`;

/** The instants within some hours at which a price changes, ascending. */
function rateChanges(campaigns: readonly PinnedCampaign[], fromMs: number, toMs: number): number[] {
  const all = campaigns.flatMap(({ rates }) => rates.map(({ effectiveFromMs }) => effectiveFromMs));
  return [...new Set(all)].filter((at) => at > fromMs && at < toMs).sort((a, b) => a - b);
}

/** How many of these instants, at least one, are not after the event. */
function segmentSql(changes: readonly number[]): string {
  return `arrayCount(at -> at <= event_time_ms, [${changes.join(", ")}])`;
}

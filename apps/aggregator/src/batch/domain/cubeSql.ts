import { HOUR_MS, SECOND_MS } from "@trueclick/shared/time";
import { campaignRows, rateRows } from "./campaignSql.ts";
import { CELL_COLUMNS, CELL_KEY } from "./cellKey.ts";
import { inDay } from "./inDay.ts";
import type { PinnedCampaign, PinnedInputs } from "./inputs.ts";

export interface CubeRows {
  /** The rows of whole event hours, as a sub-query with the columns of the archive. */
  readonly rows: string;
  /** Events of them that may not be valid, all that are not included, with `JUDGED_COLUMNS`. */
  readonly suspects: string;
  /** Start of the first of these hours, epoch milliseconds. */
  readonly firstHourMs: number;
  /** End of the last one. */
  readonly endMs: number;
}

const COORDINATES = "toUInt16(partition), toUInt64(offset), toUInt16(`index`)";
const TIME_MS = "toUnixTimestamp64Milli(event_time)";
const DIMENSIONS = "campaign_id, event_hour, ad_id, publisher_id, geo, device, event_type, verdict";

/**
 * SQL that counts and prices the events of a day by all dimensions. An event is valid unless the
 * build has a row that says why not, which must have been written before; such events are among the
 * suspects. Prices are looked up once a cell: none spans an instant at which one changes.
 *
 * The build is named by the parameters `advertiserId`, `billingDay` and `buildId`.
 */
export function cubeSql(
  { rows, suspects, firstHourMs, endMs }: CubeRows,
  { campaigns, bounds }: Pick<PinnedInputs, "campaigns" | "bounds">,
): string {
  const changes = rateChanges(campaigns, firstHourMs, endMs);
  const eventAt = (timeMs: string) => `campaign_id, ad_id, publisher_id, geo, device, event_type,
          user_id, intDiv(${timeMs}, ${HOUR_MS}) * ${HOUR_MS / SECOND_MS} AS event_hour,
          ${segmentSql(changes, timeMs)} AS segment`;
  return `
    WITH
      campaigns AS (${campaignRows(campaigns)}),
      rates AS (${rateRows(campaigns)}),
      rejects AS (
        SELECT partition, offset, \`index\`, toString(verdict) AS verdict
        FROM truth_rejects
        WHERE advertiser_id = {advertiserId: String} AND billing_day = {billingDay: Date}
          AND build_id = {buildId: UInt64}
          AND event_hour >= fromUnixTimestamp(${firstHourMs / SECOND_MS})
          AND event_hour < fromUnixTimestamp(${endMs / SECOND_MS})
      ),
      suspects AS (
        SELECT ${eventAt("event_time_ms")}, (partition, offset, \`index\`) AS coordinates
        FROM ${suspects}
      ),
      judged AS (
        SELECT ${eventAt(TIME_MS)}, 'valid' AS verdict, event_type = 'click' AND user_id != '' AS is_user
        FROM ${rows}
        WHERE NOT unparseable AND campaign_id IN (SELECT campaign_id FROM campaigns)
          AND ${inDay(bounds, TIME_MS)}
          AND (${COORDINATES}) NOT IN (SELECT partition, offset, \`index\` FROM rejects)
        UNION ALL
        SELECT suspects.* EXCEPT coordinates, rejects.verdict AS verdict, false AS is_user
        FROM suspects
        INNER JOIN rejects ON suspects.coordinates = (rejects.partition, rejects.offset, rejects.\`index\`)
      ),
      cells AS (
        SELECT ${CELL_KEY} AS key, count() AS events,
          arraySort(groupUniqArrayIf(sipHash64(user_id), is_user)) AS user_hashes
        FROM judged
        GROUP BY key
      ),
      named AS (
        SELECT ${CELL_COLUMNS}, events, user_hashes,
          arrayElement([${[firstHourMs, ...changes].join(", ")}], segment + 1) AS since_ms
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

/** How many of these instants are not after the event. */
function segmentSql(changes: readonly number[], timeMs: string): string {
  if (changes.length === 0) return "0";
  return `arrayCount(at -> at <= ${timeMs}, [${changes.join(", ")}])`;
}

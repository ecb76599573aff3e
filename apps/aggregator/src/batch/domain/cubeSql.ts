import { SECOND_MS } from "@trueclick/shared/time";
import { campaignRows, rateRows } from "./campaignSql.ts";
import type { PinnedInputs } from "./inputs.ts";
import { inDay } from "./judgeSql.ts";

export interface CubeRows {
  /** The rows of whole event hours, as a sub-query with the columns of the archive. */
  readonly rows: string;
  /** First and last of these hours, both inclusive, epoch milliseconds. */
  readonly firstHourMs: number;
  readonly lastHourMs: number;
}

/**
 * SQL that counts and prices the events of a day by all dimensions. An event is valid unless the
 * build has a row that says why not, which must have been written before.
 *
 * The build is named by the parameters `advertiserId`, `billingDay` and `buildId`.
 */
export function cubeSql(
  { rows, firstHourMs, lastHourMs }: CubeRows,
  { campaigns, bounds }: Pick<PinnedInputs, "campaigns" | "bounds">,
): string {
  return `
    WITH
      campaigns AS (${campaignRows(campaigns)}),
      rates AS (${rateRows(campaigns)}),
      own AS (
        SELECT toUInt16(partition) AS partition, toUInt64(offset) AS offset,
          toUInt16(\`index\`) AS \`index\`, campaign_id, event_time,
          toUnixTimestamp64Milli(event_time) AS event_time_ms, ad_id, publisher_id, geo, device,
          event_type, user_id
        FROM ${rows}
        WHERE NOT unparseable AND campaign_id IN (SELECT campaign_id FROM campaigns)
          AND ${inDay(bounds, "toUnixTimestamp64Milli(event_time)")}
      ),
      rejects AS (
        SELECT partition, offset, \`index\`, toString(verdict) AS verdict
        FROM truth_rejects
        WHERE advertiser_id = {advertiserId: String} AND billing_day = {billingDay: Date}
          AND build_id = {buildId: UInt64}
          AND event_hour BETWEEN fromUnixTimestamp(${firstHourMs / SECOND_MS})
            AND fromUnixTimestamp(${lastHourMs / SECOND_MS})
      ),
      judged AS (
        SELECT own.*, if(rejects.verdict = '', 'valid', rejects.verdict) AS verdict
        FROM own
        LEFT JOIN rejects ON own.partition = rejects.partition AND own.offset = rejects.offset
          AND own.\`index\` = rejects.\`index\`
      )
    SELECT campaign_id, toStartOfHour(event_time) AS event_hour, ad_id, publisher_id, geo, device,
      event_type, verdict, count(),
      sum(if(verdict = 'valid' AND event_type = 'click', cpc_micros, 0)),
      uniqExactStateIf(sipHash64(user_id),
        verdict = 'valid' AND event_type = 'click' AND user_id != '')
    FROM judged
    ASOF LEFT JOIN rates
      ON judged.campaign_id = rates.campaign_id AND judged.event_time_ms >= rates.effective_from_ms
    GROUP BY campaign_id, event_hour, ad_id, publisher_id, geo, device, event_type, verdict`;
}

import { type HeldParams, rowsOfVersions } from "@trueclick/db/queries/heldRows";

/** Bits of a number of the engine's that can be told apart as positions. */
const MASK_BITS = 64;

/**
 * SQL: of some days of an advertiser, how many users were there last how many days before. Each user is a
 * mask of the days that he clicked on.
 *
 * Parameters: `advertiserId`, `firstDay` and `lastDay` of the window, `stale` (days as their distance from
 * the first), `part` of `parts` of all users, and those of the versions that are compared.
 *
 * @param byCampaign Whether a campaign's users are compared with its own days only, or all with all.
 * @param isMostly Whether most of the window is asked for, so that nobody has to be left out first.
 */
export function returnsSql(held: HeldParams, byCampaign: boolean, isMostly: boolean): string {
  const rows = `
        FROM truth_cube
        WHERE advertiser_id = {advertiserId: String}
          AND billing_day BETWEEN {firstDay: Date} AND {lastDay: Date}
          AND ${rowsOfVersions("truth_cube", held)}
          AND event_type = 'click' AND verdict = 'valid'`;
  const at = "toUInt8(dateDiff('day', {firstDay: Date}, billing_day))";
  const ofThem = `user IN (SELECT arrayJoin(user_hashes) ${rows}
          AND has({stale: Array(UInt8)}, ${at}))`;
  return `
    SELECT campaign, day, groupArray((back, users)) AS gaps
    FROM (
      SELECT campaign, pair.1 AS day, pair.2 AS back, count() AS users
      FROM (
        SELECT campaign,
          arrayConcat(bitPositionsToArray(early),
            arrayMap(bit -> bit + ${MASK_BITS}, bitPositionsToArray(late))) AS days,
          -- Days ascend, so a difference is how long ago the day before is; the first has none.
          arrayJoin(arrayFilter(pair -> has({stale: Array(UInt8)}, pair.1),
            arrayZip(days, arrayDifference(days)))) AS pair
        FROM (
          SELECT campaign, user, groupBitOr(if(at < ${MASK_BITS}, bit, 0)) AS early,
            groupBitOr(if(at < ${MASK_BITS}, 0, bit)) AS late
          FROM (
            SELECT ${byCampaign ? "campaign_id" : "''"} AS campaign, arrayJoin(user_hashes) AS user,
              ${at} AS at, bitShiftLeft(toUInt64(1), at % ${MASK_BITS}) AS bit ${rows}
          )
          WHERE user % {parts: UInt32} = {part: UInt32} AND ${isMostly ? "true" : ofThem}
          GROUP BY campaign, user
        )
      )
      GROUP BY campaign, day, back
    )
    GROUP BY campaign, day`;
}

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
  return `
    SELECT whose AS campaign, day, groupArray((back, users)) AS gaps
    FROM (${gapsSql(held, byCampaign ? "campaign_id" : "''", isMostly)})
    GROUP BY campaign, day`;
}

/** A day as its distance from the first of the window. */
export const DAY_AT = "toUInt8(dateDiff('day', {firstDay: Date}, billing_day))";

/**
 * The same as rows: how many users (`users`) of a day (`day`) were there last so many days before (`back`, 0
 * of those who were not).
 *
 * @param whose SQL of what a user is counted apart for, and its days compared with its own.
 */
export function gapsSql(held: HeldParams, whose: string, isMostly: boolean): string {
  const rows = `
        FROM truth_cube
        WHERE advertiser_id = {advertiserId: String}
          AND billing_day BETWEEN {firstDay: Date} AND {lastDay: Date}
          AND ${rowsOfVersions("truth_cube", held)}
          AND event_type = 'click' AND verdict = 'valid'`;
  const ofThem = `user IN (SELECT arrayJoin(user_hashes) ${rows}
          AND has({stale: Array(UInt8)}, ${DAY_AT}))`;
  return `
      SELECT whose, pair.1 AS day, pair.2 AS back, count() AS users
      FROM (
        SELECT whose,
          arrayConcat(bitPositionsToArray(early),
            arrayMap(bit -> bit + ${MASK_BITS}, bitPositionsToArray(late))) AS days,
          -- Days ascend, so a difference is how long ago the day before is; the first has none.
          arrayJoin(arrayFilter(pair -> has({stale: Array(UInt8)}, pair.1),
            arrayZip(arrayMap(bit -> toUInt8(bit), days), arrayDifference(days)))) AS pair
        FROM (
          SELECT whose, user, groupBitOr(if(at < ${MASK_BITS}, bit, 0)) AS early,
            groupBitOr(if(at < ${MASK_BITS}, 0, bit)) AS late
          FROM (
            SELECT ${whose} AS whose, arrayJoin(user_hashes) AS user,
              ${DAY_AT} AS at, bitShiftLeft(toUInt64(1), at % ${MASK_BITS}) AS bit ${rows}
          )
          WHERE user % {parts: UInt32} = {part: UInt32} AND ${isMostly ? "true" : ofThem}
          GROUP BY whose, user
        )
      )
      GROUP BY whose, day, back`;
}

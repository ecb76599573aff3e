import { type HeldParams, rowsOfVersions } from "@trueclick/db/queries/heldRows";
import { SLICE_COUNTS, type SliceCount } from "@trueclick/db/queries/sliceCounts";
import { TRUTH_CELL_CLASSES, TRUTH_COUNTS } from "@trueclick/db/queries/truthMeasures";
import { DAY_AT, gapsSql } from "./returnsSql.ts";

/** A slice in one number: an hour's users are hashed to as many bits. */
const SLICE = "cityHash64(campaign_id, geo, device)";

/** Each count as the statement below has it. */
const COUNTED: Readonly<Record<SliceCount, string>> = {
  clicks: "clicks",
  gross_clicks: "gross_clicks",
  net_clicks: "net_clicks",
  duplicate_clicks: "duplicate_clicks",
  impressions: "impressions",
  conversions: "conversions",
  unique_users: "slice_users",
  cost_micros: "cost",
  attributed_conversions: "attributed",
  attributed_value_micros: "attributed_value",
};

/**
 * SQL that writes the slices of some days. Parameters: those of `gapsSql`, `TRUTH_MEASURE_PARAMS`, and
 * `slicesIds`, one for each of `stale`.
 */
export function slicesSql(held: HeldParams, isMostly: boolean): string {
  return `
    INSERT INTO truth_slices
      (advertiser_id, campaign_id, billing_day, slices_id, geo, device, counts, gap_days, gap_users)
    SELECT {advertiserId: String}, campaign_id, billing_day,
      transform(day, {stale: Array(UInt8)}, {slicesIds: Array(UInt64)}, toUInt64(0)), geo, device,
      CAST([${SLICE_COUNTS.map((count) => COUNTED[count]).join(", ")}], 'Array(Int128)'),
      days_back, back_users
    FROM (
      SELECT campaign_id, billing_day, geo, device, ${SLICE} AS slice, ${DAY_AT} AS day,
        ${TRUTH_COUNTS},
        sum(cost_micros) AS cost, sum(credited) AS attributed,
        sum(credited_value_micros) AS attributed_value
      FROM (
        SELECT *, ${TRUTH_CELL_CLASSES}
        FROM truth_cube
        WHERE advertiser_id = {advertiserId: String}
          AND billing_day BETWEEN {firstDay: Date} AND {lastDay: Date}
          AND ${rowsOfVersions("truth_cube", held)}
          AND has({stale: Array(UInt8)}, ${DAY_AT})
      )
      GROUP BY campaign_id, billing_day, geo, device
    ) AS counted
    LEFT JOIN (
      SELECT whose AS slice, day, sum(users) AS slice_users,
        arraySort(groupArrayIf((toUInt8(back), toUInt32(users)), back > 0)) AS known,
        known.1 AS days_back, known.2 AS back_users
      FROM (${gapsSql(held, SLICE, isMostly)})
      GROUP BY slice, day
    ) AS gaps USING (slice, day)`;
}

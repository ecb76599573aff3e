import { MINUTE_MS, SECOND_MS } from "@trueclick/shared/time";
import type { HotParts } from "../routing/hotParts.ts";
import { TENANT_CONDITION } from "../tenant.ts";

const COUNTS = "clicks, invalid_clicks, duplicate_clicks, impressions, conversions, cost_micros";
const KEY = "advertiser_id, campaign_id, dimension_value";

/**
 * SQL of a sub-query: the counts of one cube in the parts of a range, with `t`, the start of each in
 * epoch seconds, and `seconds`, its length. FINAL folds what no merge has folded yet; every partition of the log has rows of
 * its own, which add up.
 *
 * @param condition Over `campaign_id` and `dimension_value`.
 */
export function hotCellsSql({ hours, minutes }: HotParts, condition = "true"): string {
  const selects: string[] = [];
  if (hours !== null) {
    selects.push(`
      SELECT ${KEY}, ${COUNTS}, toInt64(toUnixTimestamp(span_start)) AS t, span_seconds AS seconds
      FROM hot_hours FINAL
      WHERE ${TENANT_CONDITION}
        AND cube = {cube: String}
        AND span_start > fromUnixTimestamp({hours_from: Int64} - 3600)
        AND toUnixTimestamp(span_start) + span_seconds > {hours_from: Int64}
        AND span_start < fromUnixTimestamp({hours_to: Int64})
        AND ${condition}`);
  }
  if (minutes.length > 0 || hours === null) {
    selects.push(`
      SELECT ${KEY}, ${COUNTS}, toInt64(toUnixTimestamp(window_start)) AS t, 60 AS seconds
      FROM hot_minutes FINAL
      WHERE ${TENANT_CONDITION}
        AND cube = {cube: String}
        AND ((window_start >= fromUnixTimestamp({head_from: Int64})
            AND window_start < fromUnixTimestamp({head_to: Int64}))
          OR (window_start >= fromUnixTimestamp({tail_from: Int64})
            AND window_start < fromUnixTimestamp({tail_to: Int64})))
        AND ${condition}`);
  }
  return `(${selects.join(" UNION ALL ")})`;
}

/** The values of its borders. */
export function hotCellsParams({ hours, minutes }: HotParts) {
  const [head, tail] = minutes;
  return {
    hours_from: Math.floor((hours?.fromMs ?? 0) / SECOND_MS),
    hours_to: Math.ceil((hours?.toMs ?? 0) / SECOND_MS),
    head_from: minuteOf(head?.fromMs ?? 0),
    head_to: Math.ceil((head?.toMs ?? 0) / SECOND_MS),
    tail_from: minuteOf(tail?.fromMs ?? 0),
    tail_to: Math.ceil((tail?.toMs ?? 0) / SECOND_MS),
  };
}

/** Epoch seconds. */
const minuteOf = (ms: number) => Math.floor(ms / MINUTE_MS) * (MINUTE_MS / SECOND_MS);

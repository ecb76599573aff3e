import { MINUTE_MS, SECOND_MS } from "@trueclick/shared/time";
import type { HotParts } from "../routing/hotParts.ts";
import { TENANT_CONDITION } from "../tenant.ts";

const COUNTS = "clicks, invalid_clicks, duplicate_clicks, impressions, conversions, cost_micros";
const KEY = "advertiser_id, campaign_id, dimension_value";

/** The counts of one cube in some part of a range, as SQL. Every partition of the log has rows of its own, which add up. */
export interface HotSource {
  /** To be read with FINAL, which folds what no merge has folded yet. */
  readonly table: "hot_hours" | "hot_minutes";
  readonly where: string;
  /** The start of a span in epoch seconds, and its length. */
  readonly start: string;
  readonly seconds: string;
}

/** @param condition Over `campaign_id` and `dimension_value`. */
export function hotSources({ hours, minutes }: HotParts, condition: string): HotSource[] {
  const where = (...spans: readonly string[]) =>
    [TENANT_CONDITION, "cube = {cube: String}", ...spans, condition].join("\n        AND ");
  const sources: HotSource[] = [];
  if (hours !== null) {
    sources.push({
      table: "hot_hours",
      where: where(
        "span_start > fromUnixTimestamp({hours_from: Int64} - 3600)",
        "toUnixTimestamp(span_start) + span_seconds > {hours_from: Int64}",
        "span_start < fromUnixTimestamp({hours_to: Int64})",
      ),
      start: "toInt64(toUnixTimestamp(span_start))",
      seconds: "span_seconds",
    });
  }
  if (minutes.length > 0 || hours === null) {
    const within = (part: "head" | "tail") =>
      `(window_start >= fromUnixTimestamp({${part}_from: Int64})
          AND window_start < fromUnixTimestamp({${part}_to: Int64}))`;
    const parts = minutes.length > 1 ? `(${within("head")} OR ${within("tail")})` : within("head");
    sources.push({
      table: "hot_minutes",
      where: where(parts),
      start: "toInt64(toUnixTimestamp(window_start))",
      seconds: "60",
    });
  }
  return sources;
}

/** SQL of a sub-query: the counts of a range, with `t`, the start of each in epoch seconds, and `seconds`, its length. */
export function hotCellsSql(parts: HotParts, condition = "true"): string {
  const selects = hotSources(parts, condition).map(
    ({ table, where, start, seconds }) => `
      SELECT ${KEY}, ${COUNTS}, ${start} AS t, ${seconds} AS seconds
      FROM ${table} FINAL
      WHERE ${where}`,
  );
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

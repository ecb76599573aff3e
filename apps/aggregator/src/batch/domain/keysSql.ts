/**
 * What events may have in common, as fast hashes of 64 bits, their cells, and what each says of itself: the rows of
 * `truth_keys`.
 */
import { campaignRows } from "./campaignSql.ts";
import { CELL_KEY } from "./cellKey.ts";
import { COMMON_KEYS, hashed } from "./commonKeys.ts";
import { FACT_COLUMNS, ownEventsSql } from "./eventSql.ts";
import { type JudgeInputs, lookedAt } from "./judgeSql.ts";
import { ruleSql, type VelocityRule } from "./rules.ts";

/** Rows of the archive that are looked at together, as sub-queries with its columns. */
export interface SievedRows {
  /** The rows of whole event hours to judge, and of the hour after them. */
  readonly rows: string;
  /** End of the last hour to judge, epoch milliseconds. */
  readonly endMs: number;
  /** The rows of hours with copies of these ids or uses of these tokens; null when there are none. */
  readonly copies: string | null;
}

/** The columns of `truth_keys` that `keysSql` gives, in its order. */
export const KEY_COLUMNS = [
  ...["partition", "offset", "`index`", "event_time_ms", "is_click", "is_suspect"],
  ...["id", "token", "person", "pair", "ip_net", "publisher", "is_user", "cell"],
  ...["is_named", "test", ...FACT_COLUMNS],
];

/**
 * SQL of the keys and cells of the events to judge, and of the clicks that may follow them. What no rule
 * asks for is neither read nor hashed.
 *
 * @param isSuspect Bool over the columns of `ownEventsSql`: the event is suspect by itself.
 */
export function keysSql(sieved: SievedRows, inputs: JudgeInputs, isSuspect: string): string {
  const { velocity } = ruleSql(inputs.rules, lookedAt(sieved.endMs, inputs));
  const keyOf = (column: VelocityRule["key"]) => {
    const isAsked = velocity.some(({ key }) => key === column);
    return isAsked ? `if(${column} = '', 0, ${hashed(column)})` : "toUInt64(0)";
  };
  return `
    WITH campaigns AS (${campaignRows(inputs.campaigns)})
    SELECT partition, offset, \`index\`, event_time_ms, event_type = 'click' AS is_click,
      ${isSuspect} AS is_suspect, ${COMMON_KEYS},
      ${keyOf("ip_net")} AS net, ${keyOf("publisher_id")} AS publisher,
      event_type = 'click' AND user_id != '' AS is_user, ${CELL_KEY} AS cell,
      user_id != '' AS is_named, test, ${FACT_COLUMNS.join(", ")}
    FROM (${lookedEvents(sieved, inputs)})`;
}

/** The events to judge, and the clicks that may follow them. Needs `campaigns`. */
function lookedEvents(sieved: SievedRows, inputs: JudgeInputs): string {
  return ownEventsSql(lookedRows(sieved, inputs), inputs);
}

/**
 * A sub-query of the rows of the archive among which they are.
 *
 * Both are one read: of two that are joined by a union, each is planned by itself.
 */
export function lookedRows({ rows, endMs }: SievedRows, inputs: JudgeInputs): string {
  const { doubleClickMs } = ruleSql(inputs.rules, lookedAt(endMs, inputs));
  const behind =
    doubleClickMs === 0
      ? `event_time < ${instant(endMs)}`
      : `${isAtMost(endMs - 1 + doubleClickMs)}
        AND (event_time < ${instant(endMs)} OR event_type = 'click')`;
  return `(SELECT * FROM ${rows} WHERE ${behind})`;
}

export interface FollowingRows {
  /** End of the hours that are judged, epoch milliseconds. */
  readonly endMs: number;
  /** The rows of the hour after them; null when there are none. */
  readonly following: string | null;
}

/** A sub-query of the clicks of the hour after that may follow one; null when there can be none. */
export function followingClicks(
  { following, endMs }: FollowingRows,
  inputs: JudgeInputs,
): string | null {
  const { doubleClickMs } = ruleSql(inputs.rules, lookedAt(endMs, inputs));
  if (following === null || doubleClickMs === 0) return null;
  return `(SELECT * FROM ${following}
      WHERE event_type = 'click' AND ${isAtMost(endMs - 1 + doubleClickMs)})`;
}

/** The bound is on the column itself: by that, readers skip what lies behind it. */
const isAtMost = (lastMs: number) => `event_time <= ${instant(lastMs)}`;

const instant = (ms: number) => `fromUnixTimestamp64Milli(${ms}, 'UTC')`;

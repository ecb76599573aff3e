/** What events may have in common, as fast hashes of 64 bits, and their cells: the rows of `truth_keys`. */
import { campaignRows } from "./campaignSql.ts";
import { CELL_KEY } from "./cellKey.ts";
import { ownEventsSql } from "./eventSql.ts";
import { type JudgeInputs, lookedAt } from "./judgeSql.ts";
import { ruleSql, type VelocityRule } from "./rules.ts";
import { BEARS_TOKEN } from "./tokenUses.ts";

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
];

/** A hash that is never 0, which is kept for nothing to have in common. */
const hashed = (...values: readonly string[]) => `greatest(cityHash64(${values.join(", ")}), 1)`;

/** Of the columns of the archive. The same hash is asked of copies in other hours. */
export const ID = "reinterpretAsUInt64(event_id128)";
export const TOKEN = `if(${BEARS_TOKEN}, ${hashed("impression_id", "ad_id")}, 0)`;
/**
 * A user by the hash that sets of users have, one more where that is 0. A person without a name is an
 * address and a user agent; the address alone says enough here.
 */
const PERSON = `multiIf(user_id != '', greatest(sipHash64(user_id), 1), ip_hash != '', ${hashed("ip_hash")}, 0)`;

/** What events of `ownEventsSql` may have in common; `pair` is asked of clicks alone. */
export const COMMON_KEYS = `${ID} AS id, ${TOKEN} AS token, ${PERSON} AS person,
      if(person = 0, 0, ${hashed("person", "ad_id")}) AS pair`;

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
      event_type = 'click' AND user_id != '' AS is_user, ${CELL_KEY} AS cell
    FROM (${lookedRows(sieved, inputs)})`;
}

/**
 * The events to judge, and the clicks that may follow them. Needs `campaigns`.
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
  return ownEventsSql(`(SELECT * FROM ${rows} WHERE ${behind})`, inputs);
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

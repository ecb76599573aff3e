/** Whether clicks that came late can change what was told of the hour before them. */
import { campaignRows } from "./campaignSql.ts";
import { COMMON_KEYS } from "./commonKeys.ts";
import { type JudgeInputs, lookedAt } from "./judgeSql.ts";
import { followingClicks } from "./keysSql.ts";
import { ruleSql } from "./rules.ts";

export interface FollowedRows {
  /** The rows of the hour, as a sub-query with the columns of the archive. */
  readonly rows: string;
  /** End of the hour, epoch milliseconds. */
  readonly endMs: number;
  /** The rows of the hour after it that it was judged with; null when there were none. */
  readonly kept: string | null;
  /** Those that came since. */
  readonly added: string;
}

/**
 * SQL that gives one row, `isFollowed`: a click that was added is of the same person and ad as one in the
 * last seconds of the hour, or has an id or a token in common with a click that is. Only such a click
 * can be the next of one of the hour, or take that place from another. An id or token that the hour
 * itself has makes its object one with copies, which is another input. Hashes that meet by chance make it
 * say yes where it is no. Null where no rule looks at what follows.
 *
 * Planning it takes longer than running it, so what is looked for is said as seldom as can be.
 */
export function isFollowedSql(
  { rows, endMs, kept, added }: FollowedRows,
  inputs: JudgeInputs,
): string | null {
  const { doubleClickMs } = ruleSql(inputs.rules, lookedAt(endMs, inputs));
  const after = (following: string | null) => followingClicks({ endMs, following }, inputs);
  const [addedClicks, keptClicks] = [after(added), after(kept)];
  if (addedClicks === null) return null;
  const keysOf = (clicks: string) => `SELECT ${COMMON_KEYS} FROM ${clicks}
        WHERE NOT unparseable AND campaign_id IN (SELECT campaign_id FROM campaigns)`;
  const lastClicks = `(SELECT * FROM ${rows} WHERE event_type = 'click'
        AND event_time >= fromUnixTimestamp64Milli(${endMs - doubleClickMs}, 'UTC'))`;
  const isNext = `pair != 0 AND pair IN (SELECT pair FROM (${keysOf(lastClicks)}))`;
  const own = "arrayJoin(if(token = 0, [id], [id, token]))";
  const displaces =
    keptClicks === null
      ? "false"
      : `own IN (SELECT ${own} FROM (${keysOf(keptClicks)}) WHERE ${isNext})`;
  return `
    WITH campaigns AS (${campaignRows(inputs.campaigns)})
    SELECT count() > 0 AS isFollowed
    FROM (SELECT pair, ${own} AS own FROM (${keysOf(addedClicks)}))
    WHERE ${isNext} OR ${displaces}`;
}

/** Clicks that need an impression, and how long before each the last one was received, in SQL. */
import type { InstantRange } from "@trueclick/shared/calendar";
import { HOUR_MS, SECOND_MS } from "@trueclick/shared/time";
import type { RuleInForce } from "@trueclick/shared/verdict/rules";
import { neededRanges } from "./campaignSql.ts";
import { inDay } from "./inDay.ts";
import type { PinnedCampaign } from "./inputs.ts";
import { pinnedRows } from "./pinnedRows.ts";

/** Longer than any rule looks back: no impression was found. */
const NEVER_MS = 9_000_000_000_000_000;

/** Hours before events of a range that tell its clicks without an impression; 0 where none needs one. */
export function lookbackHours(
  rules: readonly RuleInForce[],
  campaigns: readonly Pick<PinnedCampaign, "requirements">[],
  range: InstantRange,
): number {
  const own = rulesThatMeet(rules, campaigns, range).filter(({ id }) => id === "unlinked");
  return Math.max(0, ...own.map(hoursOf));
}

/** The rules that can meet an event: `unlinked` meets none where no click needs an impression. */
export function rulesThatMeet(
  rules: readonly RuleInForce[],
  campaigns: readonly Pick<PinnedCampaign, "requirements">[],
  range: InstantRange,
): readonly RuleInForce[] {
  const needsImpression = campaigns.some((campaign) => neededRanges(campaign, range).length > 0);
  return needsImpression ? rules : rules.filter(({ id }) => id !== "unlinked");
}

const hoursOf = ({ parameters }: RuleInForce) => Number(parameters["lookback_hours"]);

/**
 * A condition over coordinates, of the archive or of the judge: the click has no impression within the
 * rule's look-back. Asked of `unlinked_clicks` by the parameters `buildId` and `sliceHour`.
 */
export function isUnlinkedSql(rule: RuleInForce): string {
  return `event_type = 'click'
      AND (toUInt16(partition), toUInt64(offset), toUInt16(\`index\`)) IN (
        SELECT partition, offset, \`index\` FROM unlinked_clicks
        WHERE build_id = {buildId: UInt64} AND slice_hour = fromUnixTimestamp({sliceHour: UInt32})
          AND gap_ms > ${hoursOf(rule) * HOUR_MS})`;
}

export interface LinkedRows {
  /** Sub-queries with the columns of the archive: clicks to judge, and what may follow them. */
  readonly rows: string;
  readonly following: string | null;
  /** The rows of the hours before that the longest look-back reaches; null when there are none. */
  readonly preceding: string | null;
}

/**
 * Writes the clicks that need an impression and have none within the shortest look-back, with the time
 * since the last one.
 *
 * An impression is a click's if it has its campaign, ad and impression id, is no test, was shown at the
 * click's millisecond or before, and is of the same user if both name one. Impressions without an
 * impression id are named by their event id. Each impression is looked for by whom it was shown to, so that each
 * click asks for the last before it of two kinds at most, however many there are.
 *
 * @param range All clicks that are looked at lie in it.
 */
export function findUnlinkedSql(
  { rows, following, preceding }: LinkedRows,
  rules: readonly RuleInForce[],
  campaigns: readonly PinnedCampaign[],
  range: InstantRange,
): string {
  const shortestMs =
    Math.min(...rules.filter(({ id }) => id === "unlinked").map(hoursOf)) * HOUR_MS;
  const { isOfThem, needsOne } = needSql(campaigns, range);
  const events = (type: string, condition: string, parts: readonly (string | null)[]) =>
    parts
      .filter((part) => part !== null)
      .map(
        (part) => `SELECT toUInt16(partition) AS partition, toUInt64(offset) AS offset,
          toUInt16(\`index\`) AS \`index\`, toUnixTimestamp64Milli(event_time) AS event_time_ms,
          campaign_id, ad_id, user_id, impression_id, event_id, test
        FROM ${part}
        WHERE NOT unparseable AND event_type = '${type}' AND ${condition}`,
      )
      .join(" UNION ALL ");
  return `
    INSERT INTO unlinked_clicks (build_id, slice_hour, partition, offset, \`index\`, gap_ms)
    WITH
      asked AS (
        SELECT partition, offset, \`index\`, event_time_ms, asked_key
        FROM (${events("click", needsOne, [rows, following])})
        ARRAY JOIN multiIf(impression_id = '', [${NOTHING}],
          user_id = '', [${keyOf("'any'", "impression_id")}],
          [${keyOf("'user', user_id", "impression_id")}, ${keyOf("'nobody'", "impression_id")}]
        ) AS asked_key
      ),
      shown AS (
        SELECT shown_key, event_time_ms AS shown_ms, true AS is_shown
        FROM (${events("impression", isOfThem, [rows, following, preceding])})
        ARRAY JOIN [${keyOf("'any'", SHOWN_ID)}, if(user_id = '', ${keyOf("'nobody'", SHOWN_ID)},
          ${keyOf("'user', user_id", SHOWN_ID)})] AS shown_key
        WHERE NOT test AND shown_key IN (SELECT asked_key FROM asked)
        GROUP BY shown_key, shown_ms
      ),
      gaps AS (
        SELECT partition, offset, \`index\`,
          if(is_shown, event_time_ms - shown_ms, ${NEVER_MS}) AS since_ms
        FROM asked
        ASOF LEFT JOIN shown ON asked_key = shown_key AND event_time_ms >= shown_ms
      )
    SELECT {buildId: UInt64}, fromUnixTimestamp({sliceHour: UInt32}), partition, offset, \`index\`,
      min(since_ms) AS gap_ms
    FROM gaps
    GROUP BY partition, offset, \`index\`
    HAVING gap_ms > ${shortestMs}`;
}

/** Conditions over the archive: of a campaign that needs impressions; of it at a time that it does. */
function needSql(campaigns: readonly PinnedCampaign[], range: InstantRange) {
  const needing = campaigns.flatMap(({ id, ...campaign }) => {
    const ranges = neededRanges(campaign, range);
    return ranges.length === 0 ? [] : [{ id, ranges }];
  });
  const among = (some: typeof needing) => {
    const rows = some.map(({ id }) => ({ campaign_id: id }));
    return `campaign_id IN (${pinnedRows("campaign_id String", rows)})`;
  };
  // Nearly always one group: the campaigns that need one all the time.
  const groups = Map.groupBy(needing, ({ ranges }) => JSON.stringify(ranges)).values();
  const needsOne = [...groups].map((own) => {
    const ranges = own[0]?.ranges ?? [];
    const times = ranges.map((one) => inDay(one, "toUnixTimestamp64Milli(event_time)"));
    return `(${among(own)} AND (${times.join(" OR ")}))`;
  });
  return { isOfThem: among(needing), needsOne: `(${needsOne.join(" OR ")})` };
}

/** The key that no impression has. */
const NOTHING = "toFixedString('', 16)";
const SHOWN_ID = "if(impression_id = '', event_id, impression_id)";

function keyOf(whom: string, impressionId: string): string {
  return `sipHash128(campaign_id, ad_id, ${impressionId}, ${whom})`;
}

/** Drops what `findUnlinkedSql` has written of a slice, once its truth is. */
export function dropUnlinkedSql(firstHourMs: number): string {
  return `ALTER TABLE unlinked_clicks
    DROP PARTITION ({buildId: UInt64}, fromUnixTimestamp(${firstHourMs / SECOND_MS}))`;
}

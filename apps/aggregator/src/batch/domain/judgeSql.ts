import { sqlString } from "@trueclick/archive/domain/sqlString";
import type { InstantRange } from "@trueclick/shared/calendar";
import { HOUR_MS, SECOND_MS } from "@trueclick/shared/time";
import { campaignRows } from "./campaignSql.ts";
import { decisionSql } from "./decisions.ts";
import type { PinnedInputs } from "./inputs.ts";
import { type RuleSql, ruleSql, type VelocityRule } from "./rules.ts";
import { TOKEN_KEY, usesSql } from "./tokenUses.ts";

/** Events that are judged together, as sub-queries with the columns of the archive. */
export interface JudgedRows {
  /** The rows of whole event hours. */
  readonly rows: string;
  /** End of the last of these hours, epoch milliseconds. */
  readonly endMs: number;
  /** The rows of the hour after them; null when there are none. */
  readonly following: string | null;
  /** The rows of hours with copies of these ids or uses of these tokens; null when there are none. */
  readonly copies: string | null;
}

export type JudgeInputs = Pick<
  PinnedInputs,
  "bounds" | "campaigns" | "rules" | "decisions" | "agentLibraries" | "datacenterRangesSha256"
>;

/** Nobody: the key of an event that bears nothing to know a person by. */
const NOBODY = "toFixedString('', 16)";

/** What of an event goes on to the rules. */
const OWN_COLUMNS = [
  "partition",
  "offset",
  "`index`",
  "event_id",
  "event_type",
  "event_time_ms",
  "ingest_ms",
  "campaign_id",
  "publisher_id",
  "ip_net",
  "test",
  "flag_words",
  "agent_given",
  "agent_is_bot",
  "agent_is_browser",
  "net_is_datacenter",
  "person",
  "pair",
];

/**
 * SQL that gives the events of an advertiser in `bounds` that are not valid, one row each, with
 * `verdict` and all rules that were `matched`. Each id counts once, at its first copy.
 *
 * Ids are told apart within the advertiser: what another tenant sends, by chance or on purpose under
 * the same ids, changes nothing here.
 *
 * Ids that came once, nearly all of them, are told from the others first: finding the first copy takes
 * five times as long a row. `payload` only tells `duplicate` from `id_conflict`, and neither counts,
 * so that a collision of the fast hash moves no number. The same way windows are looked at only where
 * a person clicked an ad twice. Copies and windows are compared before the day is cut out of its
 * hours, so that both days of an event just before midnight and its copy just after see the same.
 */
export function rejectsSql(judged: JudgedRows, inputs: JudgeInputs): string {
  const { bounds, campaigns } = inputs;
  const rules = ruleSql(inputs.rules, lookedAt(judged, inputs));
  const decisions = decisionSql(inputs.decisions);
  const uses = replaySql(judged, inputs, rules);
  return `
    WITH
      campaigns AS (${campaignRows(campaigns)}),
      own AS (${ownRows(judged, inputs, rules.doubleClickMs)}),
      repeated AS (${repeatedSql(judged, inputs)}),
      ${uses.subquery}
      ${decisions.subqueries.map((subquery) => `${subquery},`).join("\n      ")}
      facts AS (
        SELECT ${OWN_COLUMNS.map((column) => `own.${column} AS ${column}`).join(", ")},
          repeated.copies = 0 OR own.position = repeated.first_position AS is_first,
          own.payload = repeated.first_payload AS is_same,
          true AS campaign_known,
          arrayExists(r -> own.event_time_ms >= r.1 AND own.event_time_ms < r.2,
            campaigns.inactive) AS is_inactive,
          ${decisions.publisherDecisions} AS publisher_decisions,
          ${decisions.manualDecisions} AS manual_decisions,
          ${uses.isReplayed} AS is_replayed
        FROM own
        LEFT JOIN repeated ON own.event_id128 = repeated.event_id128
        ${uses.join}
        LEFT JOIN campaigns ON own.campaign_id = campaigns.campaign_id
        ${decisions.joins.join("\n        ")}
      ),
      matched AS (
        SELECT partition, offset, \`index\`, event_id, event_type, campaign_id, event_time_ms,
          ingest_ms, pair, arrayConcat(publisher_decisions, manual_decisions) AS decisions,
          ${rules.ownBits} AS own_bits,
          own_bits + ${velocityBits(rules.velocity)} AS bits,
          pair != ${NOBODY} AND bitAnd(own_bits, ${rules.beforeDoubleClick}) = 0 AS is_candidate
        FROM facts
        WHERE bits != 0 OR ${repeatedPairs(rules)}
      ),
      followed AS (
        SELECT *, ${nextClick(rules)} AS next_click_ms,
          bits + ${rules.doubleClickBits} AS all_bits
        FROM matched
        WINDOW ${NEIGHBOURS}
      )
    SELECT partition, offset, \`index\`, event_id, event_type, campaign_id, event_time_ms,
      arrayElement(${rules.verdicts}, bitCount(bitXor(all_bits, all_bits - 1))) AS verdict,
      arrayConcat(
        arrayMap(bit -> arrayElement(${rules.labels}, bit + 1), bitPositionsToArray(all_bits)),
        arrayMap(id -> concat('decision:', toString(id)), decisions)) AS matched
    FROM followed
    WHERE all_bits != 0 AND event_time_ms < ${judged.endMs} AND ${inDay(bounds)}`;
}

/** SQL of a sub-query: how many events of the advertiser lie in `bounds`, counted without judging. */
export function eventCountSql(
  rows: string,
  { campaigns, bounds }: Pick<JudgeInputs, "campaigns" | "bounds">,
): string {
  return `
    WITH campaigns AS (${campaignRows(campaigns)})
    SELECT countIf(NOT unparseable AND campaign_id IN (SELECT campaign_id FROM campaigns)
      AND ${inDay(bounds, "toUnixTimestamp64Milli(event_time)")}) AS events
    FROM ${rows}`;
}

/** A condition: the event lies in the day. */
export function inDay({ fromMs, toMs }: InstantRange, timeMs = "event_time_ms"): string {
  return `${timeMs} >= ${fromMs} AND ${timeMs} < ${toMs}`;
}

/** From the first hour that the day touches to the last click that can follow one of it. */
export function lookedAt({ endMs }: JudgedRows, { bounds }: JudgeInputs): InstantRange {
  return { fromMs: bounds.fromMs - HOUR_MS, toMs: endMs + HOUR_MS };
}

/** The events to judge, and the clicks that may follow them. Needs `campaigns`. */
function ownRows(judged: JudgedRows, inputs: JudgeInputs, doubleClickMs: number): string {
  const own = eventsOf(judged.rows, inputs);
  if (judged.following === null || doubleClickMs === 0) return own;
  return `${own} UNION ALL ${eventsOf(judged.following, inputs)}
    AND ${followingBound(judged.endMs, doubleClickMs)}`;
}

/** A condition: the click may follow one before `endMs`. On the column itself, by which readers skip. */
export function followingBound(endMs: number, doubleClickMs: number): string {
  const lastMs = endMs - 1 + doubleClickMs;
  return `event_type = 'click' AND event_time <= fromUnixTimestamp64Milli(${lastMs}, 'UTC')`;
}

/** Events of the advertiser with what rules ask of them. Needs `campaigns`. */
function eventsOf(rows: string, inputs: JudgeInputs): string {
  return `
    SELECT toUInt16(partition) AS partition, toUInt64(offset) AS offset,
      toUInt16(\`index\`) AS \`index\`, event_id, event_id128, event_type, campaign_id, ad_id,
      publisher_id, user_id, ip_net, test,
      toUnixTimestamp64Milli(event_time) AS event_time_ms,
      toUnixTimestamp64Milli(ingest_time) AS ingest_ms,
      (ingest_ms, partition, offset, \`index\`) AS position,
      cityHash64(event_type, event_time_ms, campaign_id, ad_id, publisher_id, user_id) AS payload,
      ${eventFactsSql(inputs)},
      multiIf(user_id != '', sipHash128(user_id), ip_hash != '', sipHash128(ip_hash, user_agent),
        ${NOBODY}) AS person,
      if(event_type = 'click' AND person != ${NOBODY}, sipHash128(campaign_id, ad_id, person),
        ${NOBODY}) AS pair,
      ${TOKEN_KEY} AS token_key
    FROM ${rows}
    WHERE NOT unparseable AND campaign_id IN (SELECT campaign_id FROM campaigns)`;
}

/** What an event says of itself, over the columns of the archive, as rules ask it. */
export function eventFactsSql(
  inputs: Pick<JudgeInputs, "agentLibraries" | "datacenterRangesSha256">,
): string {
  const libraries = `libraries = ${sqlString(inputs.agentLibraries)}`;
  const agents = (fact: string) =>
    `(SELECT agent_hash FROM user_agent_facts WHERE ${libraries} AND ${fact})`;
  const ranges = inputs.datacenterRangesSha256;
  const isDatacenter =
    ranges === null
      ? "false"
      : `ip_net IN (SELECT ip_net FROM datacenter_nets WHERE ranges_sha256 = ${sqlString(ranges)})`;
  return `concat(',', flags, ',') AS flag_words,
      ${AGENT_HASH} AS agent_hash,
      user_agent != '' AS agent_given,
      agent_given AND agent_hash IN ${agents("is_bot")} AS agent_is_bot,
      agent_given AND agent_hash NOT IN ${agents("NOT is_browser")} AS agent_is_browser,
      ${isDatacenter} AS net_is_datacenter`;
}

/** The key of a user agent in `user_agent_facts`. */
export const AGENT_HASH = "sipHash128(user_agent)";

/** Ids with more than one copy, and the first of each. Needs `own`. */
function repeatedSql({ copies }: JudgedRows, inputs: JudgeInputs): string {
  const own = "SELECT event_id128, position, payload FROM own";
  const all =
    copies === null
      ? own
      : `${own} UNION ALL SELECT event_id128, position, payload FROM (${eventsOf(copies, inputs)})
          WHERE event_id128 IN (SELECT event_id128 FROM own)`;
  return `
    SELECT event_id128, count() AS copies, min(position) AS first_position,
      argMin(payload, position) AS first_payload
    FROM (${all})
    WHERE event_id128 IN (
      SELECT event_id128 FROM (${all}) GROUP BY event_id128 HAVING count() > 1)
    GROUP BY event_id128`;
}

/** How a replayed token is told. Needs `own`; nothing is asked where no rule does. */
function replaySql({ copies }: JudgedRows, inputs: JudgeInputs, { noUse }: RuleSql) {
  if (noUse === null) return { subquery: "", join: "", isReplayed: "false" };
  const elsewhere = copies === null ? null : eventsOf(copies, inputs);
  return {
    subquery: `uses AS (${usesSql(elsewhere, noUse)}),`,
    join: "LEFT JOIN uses ON own.token_key = uses.token_key",
    isReplayed: `uses.times > 0 AND own.position > uses.first_position
            AND own.event_id128 != uses.first_id128`,
  };
}

/** Clicks that another click of the same person on the same ad may follow. */
function repeatedPairs({ doubleClickMs }: RuleSql): string {
  if (doubleClickMs === 0) return "false";
  return `pair IN (
    SELECT pair FROM own WHERE pair != ${NOBODY} GROUP BY pair HAVING count() > 1)`;
}

/**
 * Time to the next candidate of the same pair, milliseconds; null when none follows. The events of all
 * pairs are one row of neighbours: a window for each pair takes several times as long.
 */
function nextClick({ doubleClickMs }: RuleSql): string {
  if (doubleClickMs === 0) return "CAST(NULL, 'Nullable(Int64)')";
  // The frame reaches one row ahead; past the last one it gives the default of the type.
  const next = (column: string) => `leadInFrame(${column}) OVER neighbours`;
  return `if(is_candidate AND ${next("is_candidate")} AND ${next("pair")} = pair,
          ${next("event_time_ms")} - event_time_ms, NULL)`;
}

const NEIGHBOURS = `neighbours AS (
          ORDER BY is_candidate, pair, event_time_ms, ingest_ms, partition, offset, \`index\`
          ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING)`;

/**
 * The bits of velocity rules: clicks of a key in a window with more distinct ids than are believed.
 * Copies of an id count once; ids are only looked at where there are enough copies.
 */
function velocityBits(velocity: readonly VelocityRule[]): string {
  const bits = velocity.map(({ key, seconds, clicksMax, bit, condition }) => {
    const slot = `intDiv(event_time_ms, ${seconds * SECOND_MS})`;
    const nobody = key === "person" ? NOBODY : "''";
    const isClick = `event_type = 'click' AND NOT test AND ${key} != ${nobody}`;
    const many = `SELECT ${key}, ${slot} AS slot FROM own WHERE ${isClick}
      GROUP BY ${key}, slot HAVING count() > ${clicksMax}`;
    return `if(${condition} AND ${isClick} AND (${key}, ${slot}) IN (
        SELECT ${key}, ${slot} AS slot FROM own
        WHERE ${isClick} AND (${key}, ${slot}) IN (${many})
        GROUP BY ${key}, slot HAVING uniqExact(event_id128) > ${clicksMax}
      ), toUInt64(${bit}), 0)`;
  });
  return bits.length === 0 ? "toUInt64(0)" : bits.join(" + ");
}

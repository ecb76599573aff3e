import type { InstantRange } from "@trueclick/shared/calendar";
import { HOUR_MS, SECOND_MS } from "@trueclick/shared/time";
import { campaignRows, inactiveSql } from "./campaignSql.ts";
import { decisionSql } from "./decisions.ts";
import { judgedSql, ownEventsSql } from "./eventSql.ts";
import { inDay } from "./inDay.ts";
import type { PinnedInputs } from "./inputs.ts";
import { type RuleSql, ruleSql, type VelocityRule } from "./rules.ts";
import { usesSql } from "./tokenUses.ts";

/** Events that are judged together. */
export interface JudgedRows {
  /**
   * SQL of a sub-query with `JUDGED_COLUMNS`: the events of whole event hours, and the clicks after them
   * that may follow one. Those may be left out that are valid and have nothing in common with others.
   */
  readonly own: string;
  /** End of the last of these hours, epoch milliseconds. */
  readonly endMs: number;
  /** The rows of hours with copies of these ids or uses of these tokens; null when there are none. */
  readonly copies: string | null;
}

export type JudgeInputs = Pick<
  PinnedInputs,
  "bounds" | "campaigns" | "rules" | "decisions" | "agentLibraries" | "datacenterRangesSha256"
>;

/** What of an event goes on to the rules. */
const OWN_COLUMNS = [
  "partition",
  "offset",
  "`index`",
  "event_id128",
  "event_type",
  "event_time_ms",
  "ingest_ms",
  "campaign_id",
  "publisher_id",
  "ip_net_hash",
  "test",
  "flag_words",
  "agent_given",
  "agent_is_bot",
  "agent_is_browser",
  "net_is_datacenter",
  "person_hash",
  "pair_hash",
];

/**
 * SQL that gives the events of an advertiser in `bounds` that are not valid, one row each, with
 * `verdict` and all rules that were `matched`. Each id counts once, at its first copy.
 *
 * Ids are told apart within the advertiser: what another tenant sends, by chance or on purpose under
 * the same ids, changes nothing here.
 *
 * `payload` only tells `duplicate` from `id_conflict`, and neither counts, so that a collision of the
 * fast hash moves no number. Windows are looked at only where a person clicked an ad twice. Copies and
 * windows are compared before the day is cut out of its hours, so that both days of an event just before
 * midnight and its copy just after see the same.
 *
 * Until all is told of an event it is a few numbers, since what is put in order is moved row by row; its
 * texts come to it at the end.
 */
export function rejectsSql(judged: JudgedRows, inputs: JudgeInputs): string {
  const { bounds, campaigns } = inputs;
  const range = lookedAt(judged.endMs, inputs);
  const rules = ruleSql(inputs.rules, range);
  const decisions = decisionSql(inputs.decisions);
  const uses = replaySql(judged, inputs, rules);
  return `
    WITH
      campaigns AS (${campaignRows(campaigns)}),
      own AS (SELECT *, ${POSITION} AS position FROM ${judged.own}),
      repeated AS (${repeatedSql(judged, inputs)}),
      ${uses.subquery}
      ${decisions.subqueries.map((subquery) => `${subquery},`).join("\n      ")}
      facts AS (
        SELECT ${OWN_COLUMNS.map((column) => `own.${column} AS ${column}`).join(", ")},
          repeated.copies = 0 OR own.position = repeated.first_position AS is_first,
          own.payload = repeated.first_payload AS is_same,
          true AS campaign_known,
          ${decisions.publisherDecisions} AS publisher_decisions,
          ${decisions.manualDecisions} AS manual_decisions,
          ${uses.isReplayed} AS is_replayed
        FROM own
        LEFT JOIN repeated ON own.event_id128 = repeated.event_id128
        ${uses.join}
        ${decisions.joins.join("\n        ")}
      ),
      matched AS (
        SELECT partition, offset, \`index\`, event_time_ms, ingest_ms, pair_hash,
          arrayConcat(publisher_decisions, manual_decisions) AS decisions,
          ${inactiveSql(campaigns, range)} AS is_inactive, ${rules.ownBits} AS own_bits,
          own_bits + ${velocityBits(rules.velocity)} AS bits,
          pair_hash != 0 AND bitAnd(own_bits, ${rules.beforeDoubleClick}) = 0 AS is_candidate
        FROM facts
        WHERE bits != 0 OR ${repeatedPairs(rules)}
      ),
      followed AS (
        SELECT *, ${nextClick(rules)} AS next_click_ms,
          bits + ${rules.doubleClickBits} AS all_bits
        FROM matched
        WINDOW ${NEIGHBOURS}
      ),
      told AS (SELECT partition, offset, \`index\`, event_id, event_type, campaign_id FROM own),
      rejects AS (
        SELECT partition, offset, \`index\`, event_time_ms, decisions, all_bits
        FROM followed
        WHERE all_bits != 0 AND event_time_ms < ${judged.endMs} AND ${inDay(bounds)}
      )
    SELECT partition, offset, \`index\`, event_id, event_type, campaign_id, event_time_ms,
      arrayElement(${rules.verdicts}, bitCount(bitXor(all_bits, all_bits - 1))) AS verdict,
      arrayConcat(
        arrayMap(bit -> arrayElement(${rules.labels}, bit + 1), bitPositionsToArray(all_bits)),
        arrayMap(id -> concat('decision:', toString(id)), decisions)) AS matched
    FROM told INNER JOIN rejects USING (partition, offset, \`index\`)`;
}

/**
 * SQL of rows, and of the advertiser's events in `bounds` among them, by event hour in epoch seconds,
 * counted without judging. Rows that are no event are in hour 0.
 */
export function countSql(
  rows: string,
  { campaigns, bounds }: Pick<JudgeInputs, "campaigns" | "bounds">,
): string {
  return `
    WITH campaigns AS (${campaignRows(campaigns)})
    SELECT toUnixTimestamp(toStartOfHour(event_time)) AS hourSeconds, count() AS rows,
      countIf(NOT unparseable AND campaign_id IN (SELECT campaign_id FROM campaigns)
        AND ${inDay(bounds, "toUnixTimestamp64Milli(event_time)")}) AS events
    FROM ${rows}
    GROUP BY hourSeconds`;
}

/** From the first hour that the day touches to the last click that can follow one of it. */
export function lookedAt(endMs: number, { bounds }: JudgeInputs): InstantRange {
  return { fromMs: bounds.fromMs - HOUR_MS, toMs: endMs + HOUR_MS };
}

/**
 * Ingest time, then coordinates, as one number: the least of many is found in a third of the time that it
 * takes among tuples.
 */
const POSITION = `bitShiftLeft(toUInt256(ingest_ms), 96) + bitShiftLeft(toUInt256(partition), 80)
          + bitShiftLeft(toUInt256(offset), 16) + \`index\``;

/** Ids with more than one copy, and the first of each. Needs `own`. */
function repeatedSql({ copies }: JudgedRows, inputs: JudgeInputs): string {
  const own = "SELECT event_id128, position, payload FROM own";
  const all =
    copies === null
      ? own
      : `${own} UNION ALL SELECT event_id128, position, payload FROM (${eventsIn(copies, inputs)})
          WHERE event_id128 IN (SELECT event_id128 FROM own)`;
  return `
    SELECT event_id128, count() AS copies, min(position) AS first_position,
      argMin(payload, position) AS first_payload
    FROM (${all})
    GROUP BY event_id128
    HAVING copies > 1`;
}

/** Events of other hours. Needs `campaigns`. */
function eventsIn(copies: string, inputs: JudgeInputs): string {
  const events = judgedSql(ownEventsSql(copies, inputs));
  return `SELECT *, ${POSITION} AS position FROM (${events})`;
}

/** How a replayed token is told. Needs `own`; nothing is asked where no rule does. */
function replaySql({ copies }: JudgedRows, inputs: JudgeInputs, { noUse }: RuleSql) {
  if (noUse === null) return { subquery: "", join: "", isReplayed: "false" };
  const elsewhere = copies === null ? null : eventsIn(copies, inputs);
  return {
    subquery: `uses AS (${usesSql(elsewhere, noUse)}),`,
    join: "LEFT JOIN uses ON own.token_hash = uses.token_hash",
    isReplayed: `uses.times > 0 AND own.position > uses.first_position
            AND own.event_id128 != uses.first_id128`,
  };
}

/** Clicks that another click of the same person on the same ad may follow. */
function repeatedPairs({ doubleClickMs }: RuleSql): string {
  if (doubleClickMs === 0) return "false";
  return `pair_hash IN (
    SELECT pair_hash FROM own WHERE pair_hash != 0 GROUP BY pair_hash HAVING count() > 1)`;
}

/**
 * Time to the next candidate of the same pair, milliseconds; null when none follows. The events of all
 * pairs are one row of neighbours: a window for each pair takes several times as long.
 */
function nextClick({ doubleClickMs }: RuleSql): string {
  if (doubleClickMs === 0) return "CAST(NULL, 'Nullable(Int64)')";
  // The frame reaches one row ahead; past the last one it gives the default of the type.
  const next = (column: string) => `leadInFrame(${column}) OVER neighbours`;
  return `if(is_candidate AND ${next("is_candidate")} AND ${next("pair_hash")} = pair_hash,
          ${next("event_time_ms")} - event_time_ms, NULL)`;
}

const NEIGHBOURS = `neighbours AS (
          ORDER BY is_candidate, pair_hash, event_time_ms, ingest_ms, partition, offset, \`index\`
          ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING)`;

/** The columns that velocity is told by, and which value of each is nobody. */
const VELOCITY_KEYS = {
  person: ["person_hash", "0"],
  ip_net: ["ip_net_hash", "0"],
  publisher_id: ["publisher_id", "''"],
} as const satisfies Record<VelocityRule["key"], readonly [string, string]>;

/**
 * The bits of velocity rules: clicks of a key in a window with more distinct ids than are believed.
 * Copies of an id count once, which is asked where there are more with them.
 */
function velocityBits(velocity: readonly VelocityRule[]): string {
  const bits = velocity.map(({ key, seconds, clicksMax, bit, condition }) => {
    const [column, nobody] = VELOCITY_KEYS[key];
    const slot = `intDiv(event_time_ms, ${seconds * SECOND_MS})`;
    const isClick = `event_type = 'click' AND NOT test AND ${column} != ${nobody}`;
    const window = `${column}, ${slot}`;
    return `if(${condition} AND ${isClick} AND (${window}) IN (
        SELECT ${window} FROM own
        WHERE ${isClick} AND (${window}) IN (
          SELECT ${window} FROM own WHERE ${isClick}
          GROUP BY ${window} HAVING count() > ${clicksMax})
        GROUP BY ${window} HAVING uniqExact(event_id128) > ${clicksMax}
      ), toUInt64(${bit}), 0)`;
  });
  return bits.length === 0 ? "toUInt64(0)" : bits.join(" + ");
}

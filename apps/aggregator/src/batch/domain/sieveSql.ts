import { SECOND_MS } from "@trueclick/shared/time";
import { campaignRows, inactiveRanges } from "./campaignSql.ts";
import { decidedSql } from "./decisions.ts";
import { judgedSql, ownEventsSql } from "./eventSql.ts";
import { type JudgeInputs, lookedAt } from "./judgeSql.ts";
import { predicateOf, ruleSql, type VelocityRule } from "./rules.ts";
import { BEARS_TOKEN } from "./tokenUses.ts";

/** Rows of the archive that are looked at together, as sub-queries with its columns. */
export interface SievedRows {
  /** The rows of whole event hours. */
  readonly rows: string;
  /** End of the last of these hours, epoch milliseconds. */
  readonly endMs: number;
  /** The rows of the hour after them; null when there are none. */
  readonly following: string | null;
  /** The rows of hours with copies of these ids or uses of these tokens; null when there are none. */
  readonly copies: string | null;
}

/**
 * SQL of the events that may not be valid, with `JUDGED_COLUMNS`: a superset of those that any rule
 * meets, so that judging looks at few events and comes to the same.
 *
 * A rule on one event is asked as it is. A rule on events that have something in common (an id, a token, a
 * person and an ad, a window) is asked by a fast hash of what they have in common: whatever meets for
 * real meets here, and all that have it in common are suspects together; what meets by
 * chance is told apart by the judge.
 */
export function sieveSql(sieved: SievedRows, inputs: JudgeInputs): string {
  const conditions = suspicions(sieved, inputs);
  const where = conditions.length === 0 ? "false" : conditions.join("\n      OR ");
  return `
    WITH
      campaigns AS (${campaignRows(inputs.campaigns)}),
      looked AS (${lookedRows(sieved, inputs)})
    ${judgedSql(`SELECT * FROM looked WHERE ${where}`)}`;
}

/** The events to judge, and the clicks that may follow them. Needs `campaigns`. */
function lookedRows({ rows, following, endMs }: SievedRows, inputs: JudgeInputs): string {
  const own = ownEventsSql(rows, inputs);
  const { doubleClickMs } = ruleSql(inputs.rules, lookedAt(endMs, inputs));
  if (following === null || doubleClickMs === 0) return own;
  // The bound is on the column itself: by that, readers skip what lies behind it.
  const lastMs = endMs - 1 + doubleClickMs;
  return `${own} UNION ALL ${ownEventsSql(following, inputs)}
    AND event_type = 'click' AND event_time <= fromUnixTimestamp64Milli(${lastMs}, 'UTC')`;
}

/** Conditions over `looked`, one of which every event meets that is not valid. */
function suspicions(sieved: SievedRows, inputs: JudgeInputs): string[] {
  const bounds = lookedAt(sieved.endMs, inputs);
  const { doubleClickMs, noUse, velocity } = ruleSql(inputs.rules, bounds);
  const ids = new Set(inputs.rules.map(({ id }) => id));
  const ofEvent = inputs.rules.filter(({ id }) => !TOLD_BY_OTHERS.has(id)).map(predicateOf);
  return [
    ...ofEvent.filter((predicate) => predicate !== null).map((predicate) => `(${predicate})`),
    ...(ids.has("inactive_campaign") ? [inactiveCampaigns(inputs, bounds)] : []),
    ...decidedSql(inputs.decisions),
    ...(ids.has("duplicate") || ids.has("id_conflict") ? repeatedIds(sieved, inputs) : []),
    ...(noUse === null ? [] : repeatedTokens(sieved, inputs)),
    ...(doubleClickMs === 0 ? [] : [repeated(PAIR, IS_SOMEBODYS_CLICK)]),
    ...velocity.map(crowded),
  ];
}

/** Rules that more than the event itself tells: their suspects are found otherwise. */
const TOLD_BY_OTHERS: ReadonlySet<string> = new Set([
  "duplicate",
  "id_conflict",
  // Events of unknown campaigns are nobody's, and so never looked at.
  "unknown_campaign",
  "inactive_campaign",
  "publisher_blocked",
  "manual",
  "token_replayed",
]);

const ID = "reinterpretAsUInt64(event_id128)";
const TOKEN = "cityHash64(impression_id, ad_id)";
const IS_SOMEBODYS_CLICK = "event_type = 'click' AND (user_id != '' OR ip_hash != '')";
/** A person without a name is an address and a user agent; the address alone says enough here. */
const NAME = "if(user_id != '', user_id, ip_hash)";
const PAIR = `cityHash64(ad_id, ${NAME})`;

function repeated(key: string, among?: string): string {
  const [where, and] = among === undefined ? ["", ""] : [`WHERE ${among}`, `${among} AND`];
  return `(${and} ${key} IN (
        SELECT ${key} AS key FROM looked ${where} GROUP BY key HAVING count() > 1))`;
}

function repeatedIds({ copies }: SievedRows, inputs: JudgeInputs): string[] {
  const here = repeated(ID);
  return copies === null ? [here] : [here, elsewhere("event_id128", copies, inputs)];
}

function repeatedTokens({ copies }: SievedRows, inputs: JudgeInputs): string[] {
  const here = repeated(TOKEN, BEARS_TOKEN);
  return copies === null ? [here] : [here, elsewhere(TOKEN, copies, inputs, BEARS_TOKEN)];
}

/** A key that comes in other hours too. What is held in memory is no more than the slice has. */
function elsewhere(key: string, copies: string, inputs: JudgeInputs, among?: string): string {
  const [where, and] = among === undefined ? ["", ""] : [`WHERE ${among}`, `${among} AND`];
  return `(${and} ${key} IN (
        SELECT ${key} FROM (${ownEventsSql(copies, inputs)})
        WHERE ${and} ${key} IN (SELECT ${key} FROM looked ${where})))`;
}

/** Campaigns that did not run at some time that is looked at. */
function inactiveCampaigns({ campaigns }: JudgeInputs, bounds: ReturnType<typeof lookedAt>) {
  const some = campaigns.filter((campaign) =>
    inactiveRanges(campaign).some(([from, to]) => from < bounds.toMs && to > bounds.fromMs),
  );
  return `campaign_id IN (SELECT campaign_id FROM (${campaignRows(some)}))`;
}

/** Bits of a hash. What shares one is suspect together if it is too much. */
const BUCKET_BITS = 22;
/** A rule that believes so many clicks is about networks and publishers, of which there are few. */
const CLICKS_OF_MANY = 1_000;
const BUCKET_BITS_OF_MANY = 16;

/** Clicks of whom there may be more in a window than are believed. */
function crowded({ key, seconds, clicksMax }: VelocityRule): string {
  const isPerson = key === "person";
  const among = isPerson ? IS_SOMEBODYS_CLICK : `event_type = 'click' AND ${key} != ''`;
  // A person has few clicks in all; of a network or publisher every one would be suspect.
  const hash = isPerson
    ? `cityHash64(${NAME})`
    : `cityHash64(${key}, intDiv(event_time_ms, ${seconds * SECOND_MS}))`;
  const isMany = clicksMax >= CLICKS_OF_MANY;
  const mask = 2 ** (isMany ? BUCKET_BITS_OF_MANY : BUCKET_BITS) - 1;
  const bucket = `${isMany ? "toUInt16" : "toUInt32"}(bitAnd(${hash}, ${mask}))`;
  return `(${among} AND ${bucket} IN (
        SELECT ${bucket} AS bucket FROM looked WHERE ${among}
        GROUP BY bucket HAVING count() > ${clicksMax}))`;
}

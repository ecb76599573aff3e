import { SECOND_MS } from "@trueclick/shared/time";
import { campaignRows, inactiveRanges } from "./campaignSql.ts";
import { decidedSql } from "./decisions.ts";
import {
  eventFactsSql,
  followingBound,
  type JudgedRows,
  type JudgeInputs,
  lookedAt,
} from "./judgeSql.ts";
import { predicateOf, ruleSql, type VelocityRule } from "./rules.ts";
import { BEARS_TOKEN } from "./tokenUses.ts";

/** What judging asks of an event, in the order of `truth_suspects`. */
export const SUSPECT_COLUMNS = [
  "partition",
  "offset",
  "`index`",
  "event_type",
  "event_id",
  "event_id128",
  "event_time",
  "ingest_time",
  "campaign_id",
  "ad_id",
  "publisher_id",
  "user_id",
  "geo",
  "device",
  "user_agent",
  "ip_hash",
  "ip_net",
  "impression_id",
  "test",
  "flags",
] as const;

/**
 * SQL of the events that may not be valid, with `SUSPECT_COLUMNS` and `is_following`: a superset of
 * those that any rule meets, so that judging looks at few events and comes to the same.
 *
 * A rule on one event is asked as it is. A rule on events that have something in common (an id, a token, a
 * person and an ad, a window) is asked by a fast hash of what they have in common: whatever meets for
 * real meets here, and all that have it in common are suspects together; what meets by
 * chance is told apart by the judge.
 */
export function sieveSql(judged: JudgedRows, inputs: JudgeInputs): string {
  const columns = SUSPECT_COLUMNS.join(", ");
  const conditions = suspicions(judged, inputs);
  return `
    WITH
      campaigns AS (${campaignRows(inputs.campaigns)}),
      looked AS (${lookedRows(judged, inputs)})
    SELECT is_following, ${columns}
    FROM looked
    WHERE ${conditions.length === 0 ? "false" : conditions.join("\n      OR ")}`;
}

/** The events to judge, and the clicks that may follow them. Needs `campaigns`. */
function lookedRows(judged: JudgedRows, inputs: JudgeInputs): string {
  const own = lookedIn(judged.rows, inputs, "false");
  const { doubleClickMs } = ruleSql(inputs.rules, lookedAt(judged, inputs));
  if (judged.following === null || doubleClickMs === 0) return own;
  return `${own} UNION ALL ${lookedIn(judged.following, inputs, "true")}
    AND ${followingBound(judged.endMs, doubleClickMs)}`;
}

function lookedIn(rows: string, inputs: JudgeInputs, isFollowing: string): string {
  return `
    SELECT ${SUSPECT_COLUMNS.join(", ")}, ${isFollowing} AS is_following,
      toUnixTimestamp64Milli(event_time) AS event_time_ms, ${eventFactsSql(inputs)}
    FROM ${rows}
    WHERE NOT unparseable AND campaign_id IN (SELECT campaign_id FROM campaigns)`;
}

/** Conditions over `looked`, one of which every event meets that is not valid. */
function suspicions(judged: JudgedRows, inputs: JudgeInputs): string[] {
  const bounds = lookedAt(judged, inputs);
  const { doubleClickMs, noUse, velocity } = ruleSql(inputs.rules, bounds);
  const ids = new Set(inputs.rules.map(({ id }) => id));
  const ofEvent = inputs.rules.filter(({ id }) => !TOLD_BY_OTHERS.has(id)).map(predicateOf);
  return [
    ...ofEvent.filter((predicate) => predicate !== null).map((predicate) => `(${predicate})`),
    ...(ids.has("inactive_campaign") ? [inactiveCampaigns(inputs, bounds)] : []),
    ...decidedSql(inputs.decisions),
    ...(ids.has("duplicate") || ids.has("id_conflict") ? repeatedIds(judged, inputs) : []),
    ...(noUse === null ? [] : repeatedTokens(judged, inputs)),
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
const PAIR = `if(user_id != '', cityHash64(ad_id, user_id), cityHash64(ad_id, ip_hash, user_agent))`;
const IS_SOMEBODYS_CLICK = "event_type = 'click' AND (user_id != '' OR ip_hash != '')";

function repeated(key: string, among: string): string {
  return `(${among} AND ${key} IN (
        SELECT ${key} AS key FROM looked WHERE ${among} GROUP BY key HAVING count() > 1))`;
}

function repeatedIds({ copies }: JudgedRows, inputs: JudgeInputs): string[] {
  const here = repeated(ID, "true");
  return copies === null ? [here] : [here, elsewhere("event_id128", copies, inputs, "true")];
}

function repeatedTokens({ copies }: JudgedRows, inputs: JudgeInputs): string[] {
  const here = repeated(TOKEN, BEARS_TOKEN);
  return copies === null ? [here] : [here, elsewhere(TOKEN, copies, inputs, BEARS_TOKEN)];
}

/** A key that comes in other hours too. What is held in memory is no more than the slice has. */
function elsewhere(key: string, copies: string, inputs: JudgeInputs, among: string): string {
  return `(${among} AND ${key} IN (
        SELECT ${key} FROM (${lookedIn(copies, inputs, "false")})
        WHERE ${among} AND ${key} IN (SELECT ${key} FROM looked WHERE ${among})))`;
}

/** Campaigns that did not run at some time that is looked at. */
function inactiveCampaigns({ campaigns }: JudgeInputs, bounds: ReturnType<typeof lookedAt>) {
  const some = campaigns.filter((campaign) =>
    inactiveRanges(campaign).some(([from, to]) => from < bounds.toMs && to > bounds.fromMs),
  );
  return `campaign_id IN (SELECT campaign_id FROM (${campaignRows(some)}))`;
}

/** Bits of a window's hash. Windows that share one are suspects together if they are too many. */
const WINDOW_BITS = 22;
/** With so few that a person may have, and so many that a network may have. */
const CLICKS_OF_MANY = 1_000;
const WINDOW_BITS_OF_MANY = 16;

/** Clicks in a window that may have more than are believed. */
function crowded({ key, seconds, clicksMax }: VelocityRule): string {
  const slot = `intDiv(event_time_ms, ${seconds * SECOND_MS})`;
  const person = `if(user_id != '', cityHash64(user_id, ${slot}),
          cityHash64(ip_hash, user_agent, ${slot}))`;
  const hash = key === "person" ? person : `cityHash64(${key}, ${slot})`;
  const isMany = clicksMax >= CLICKS_OF_MANY;
  const mask = 2 ** (isMany ? WINDOW_BITS_OF_MANY : WINDOW_BITS) - 1;
  const bucket = `${isMany ? "toUInt16" : "toUInt32"}(bitAnd(${hash}, ${mask}))`;
  const among = key === "person" ? IS_SOMEBODYS_CLICK : `event_type = 'click' AND ${key} != ''`;
  return `(${among} AND ${bucket} IN (
        SELECT ${bucket} AS bucket FROM looked WHERE ${among}
        GROUP BY bucket HAVING count() > ${clicksMax}))`;
}

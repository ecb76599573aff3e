/** Which events may not be valid: the sieve before the judge. */
import { SECOND_MS } from "@trueclick/shared/time";
import { campaignRows, inactiveSql } from "./campaignSql.ts";
import { CELL_COLUMNS } from "./cellKey.ts";
import { ID, TOKEN } from "./commonKeys.ts";
import { decidedSql, isNamed } from "./decisions.ts";
import { FACT_COLUMNS, JUDGED_COLUMNS, JUDGED_HASHES, ownEventsSql } from "./eventSql.ts";
import { type JudgeInputs, lookedAt } from "./judgeSql.ts";
import { lookedRows, type SievedRows } from "./keysSql.ts";
import { predicateOf, ruleSql, type VelocityRule } from "./rules.ts";

/**
 * SQL of the events that may not be valid, an `event_hour` and an `id` each: a superset of those that any
 * rule meets, so that judging looks at few events and comes to the same.
 *
 * A rule on one event has marked it in `keys`. A rule on events that have something in common (an id, a
 * token, a person and an ad, a window) is asked by the hashes there: whatever meets for real meets
 * here, and all that have it in common are suspects together; what meets by chance is told apart
 * by the judge.
 *
 * @param keys A sub-query with the rows of `keysSql`, of which `isSuspectSql` has marked some.
 */
export function suspectIdsSql(sieved: SievedRows, inputs: JudgeInputs, keys: string): string {
  const conditions = ["is_suspect", ...suspicions(sieved, inputs)];
  return `
    WITH
      campaigns AS (${campaignRows(inputs.campaigns)}),
      keys AS (SELECT * FROM ${keys})
    SELECT toStartOfHour(fromUnixTimestamp64Milli(event_time_ms, 'UTC')) AS event_hour, id
    FROM keys
    WHERE ${conditions.join("\n      OR ")}`;
}

/**
 * SQL of these events with `JUDGED_COLUMNS`, as their keys have them, and the objects what is not in the keys: that is
 * little, and all that is read of the objects a second time. They are found by the hash of their id, one
 * number; those that share it are all among them. Users and networks are named where a decision asks for them.
 *
 * What is read and what the keys have are joined in memory, so many are taken in parts: `part` of `parts`, two
 * parameters.
 *
 * @param ids A sub-query with the rows of `suspectIdsSql`.
 * @param keys A sub-query with the rows of `keysSql`.
 */
export function sieveSql(
  sieved: SievedRows,
  inputs: JudgeInputs,
  { ids, keys }: { readonly ids: string; readonly keys: string },
): string {
  const named = (column: "user_id" | "ip_net") =>
    isNamed(inputs.decisions, column) ? column : `'' AS ${column}`;
  return `
    WITH
      ids AS (SELECT id FROM ${ids} WHERE id % {parts: UInt32} = {part: UInt32}),
      told AS (
        SELECT toUInt16(partition) AS partition, toUInt64(offset) AS offset,
          toUInt16(\`index\`) AS \`index\`, event_id, event_id128,
          toUnixTimestamp64Milli(ingest_time) AS ingest_ms, ${named("user_id")}, ${named("ip_net")}
        FROM ${lookedRows(sieved, inputs)}
        WHERE ${ID} IN (SELECT id FROM ids)
      ),
      suspects AS (
        SELECT partition, offset, \`index\`, event_time_ms, is_named, test, person, token,
          ${FACT_COLUMNS.join(", ")}, ip_net AS ip_net_hash, cell
        FROM ${keys}
        WHERE id IN (SELECT id FROM ids)
      )
    SELECT ${JUDGED_COLUMNS.join(", ")} FROM (
      SELECT *, cell AS key, ${CELL_COLUMNS}, person AS person_hash, token AS token_hash, ${JUDGED_HASHES}
      FROM told INNER JOIN suspects USING (partition, offset, \`index\`))`;
}

/** Bool over the columns of `ownEventsSql`: a rule or a decision may meet the event by itself. */
export function isSuspectSql(sieved: Pick<SievedRows, "endMs">, inputs: JudgeInputs): string {
  const ids = new Set(inputs.rules.map(({ id }) => id));
  const ofEvent = inputs.rules.filter(({ id }) => !TOLD_BY_OTHERS.has(id)).map(predicateOf);
  const conditions = [
    ...ofEvent.filter((predicate) => predicate !== null).map((predicate) => `(${predicate})`),
    ...(ids.has("inactive_campaign")
      ? [inactiveSql(inputs.campaigns, lookedAt(sieved.endMs, inputs))]
      : []),
    ...decidedSql(inputs.decisions),
  ];
  return conditions.length === 0 ? "false" : conditions.join("\n      OR ");
}

/** Conditions over `keys`, one of which every event meets that is told by others. */
function suspicions(sieved: SievedRows, inputs: JudgeInputs): string[] {
  const { doubleClickMs, noUse, velocity } = ruleSql(inputs.rules, lookedAt(sieved.endMs, inputs));
  return [
    // Also where no rule asks: an id that one of them is found by is that of no other event.
    ...repeated("id", "true", ID, sieved, inputs),
    ...(noUse === null ? [] : repeated("token", "token != 0", TOKEN, sieved, inputs)),
    ...(doubleClickMs === 0 ? [] : [twice("pair", "is_click AND pair != 0")]),
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

/**
 * A key that comes twice, here or in other hours. What is held in memory is no more than the slice has.
 *
 * @param ofArchive The key over the columns of the archive.
 */
function repeated(
  key: string,
  among: string,
  ofArchive: string,
  { copies }: SievedRows,
  inputs: JudgeInputs,
): string[] {
  const here = twice(key, among);
  if (copies === null) return [here];
  const elsewhere = `(${among} AND ${key} IN (
            SELECT ${ofArchive} AS other FROM (${ownEventsSql(copies, inputs)})
            WHERE other IN (SELECT ${key} FROM keys)))`;
  return [here, elsewhere];
}

function twice(key: string, among: string): string {
  return `(${among} AND ${key} IN (${moreThan(1, key, among)}))`;
}

/**
 * Lists of the values that share some bits, each sorted: a value that comes more often than it may is the same
 * so many places on. Takes eight bytes a row whatever comes, and half the time of counting each value.
 */
function moreThan(times: number, key: string, among: string): string {
  return `
            SELECT arrayJoin(arrayFilter((own, later) -> own = later, sorted,
              arrayShiftLeft(sorted, ${times}))) AS often
            FROM (
              SELECT arraySort(groupArray(${key})) AS sorted FROM keys WHERE ${among}
              GROUP BY bitAnd(${key}, ${LISTS - 1}))`;
}

/** A power of two, so many that a list of a million rows fits into a core's cache. */
const LISTS = 256;

/** A rule that believes so many clicks is about networks and publishers, of which there are few. */
const CLICKS_OF_MANY = 1_000;
/** Of few values there are few buckets, which are counted in a table without hashing. */
const BUCKETS_OF_MANY = 2 ** 16;
const KEYS_OF_VELOCITY = { person: "person", ip_net: "ip_net", publisher_id: "publisher" } as const;

/** Clicks of whom there may be more in a window than are believed. */
function crowded({ key, seconds, clicksMax }: VelocityRule): string {
  const own = KEYS_OF_VELOCITY[key];
  const among = `is_click AND ${own} != 0`;
  const window = `(${own} + intDiv(event_time_ms, ${seconds * SECOND_MS}))`;
  if (clicksMax < CLICKS_OF_MANY) {
    return `(${among} AND ${window} IN (${moreThan(clicksMax, window, among)}))`;
  }
  const bucket = `toUInt16(bitAnd(${window}, ${BUCKETS_OF_MANY - 1}))`;
  return `(${among} AND ${bucket} IN (
            SELECT ${bucket} AS bucket FROM keys WHERE ${among}
            GROUP BY bucket HAVING count() > ${clicksMax}))`;
}

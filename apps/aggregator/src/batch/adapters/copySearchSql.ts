/** The SQL that ids and tokens are looked up by in what is kept of all objects. */
import { type KeyFilter, mayBeAmong, planKeyFilter } from "../domain/keyFilter.ts";
import { TOKEN_KEY, tokenBearers } from "../domain/tokenUses.ts";
import { idsIn } from "./clickhouseNewIds.ts";
import { tokensIn } from "./clickhouseTokenUses.ts";

export interface NewKeys {
  /** Start of the event hour that all of them have, epoch seconds; null where they have several. */
  readonly hourSeconds: number | null;
  /** SQL of the keys, 64 bits each. */
  readonly keys: string;
}

export const idsOf = (rows: string) => `SELECT cityHash64(event_id) FROM ${rows}`;
export const tokensOf = (rows: string) =>
  `SELECT reinterpretAsUInt64(${TOKEN_KEY}) FROM ${tokenBearers(rows)}`;

/** What is looked up. */
export interface Lookup {
  readonly table: string;
  /** By what its rows are told apart; any one of which all are looked up. */
  readonly key: string;
  /** SQL of 64 bits of the key. Two keys with the same lead to objects that nobody needs, and to no more. */
  readonly number: string;
  /** SQL of how `event_copies` names it. */
  readonly id: string;
  /** Of which the table is in order: no hash table is needed to group by it. */
  readonly ordered: string;
}

/** By hashes of 64 bits: a row of the index costs its hash and no text. */
export const IDS: Lookup = {
  ...{ table: "event_index", key: "id_hash", number: "id_hash" },
  ...{ id: "event_id", ordered: "event_id" },
};
export const TOKENS: Lookup = {
  ...{ table: "token_uses", key: "token_key", number: "reinterpretAsUInt64(token_key)" },
  // No id of an event: one that looks like it leads to objects that nobody needs, and to no more.
  ...{ id: "concat('token:', hex(token_key))", ordered: "token_key" },
};

/** The SQL that ids and tokens are looked up by, by the name of its queries. */
export function searchProgram(): Record<string, string> {
  const filters = [null, planKeyFilter("filter", 0)];
  const ids = [idsOf("rows"), ...[0, null].map((hour) => idsIn("memory", hour))];
  const tokens = [tokensOf("rows"), ...[0, null].map((hour) => tokensIn("memory", hour))];
  const searches = filters.flatMap((filter) =>
    [0, null].flatMap((hourSeconds) => [
      ...ids.map((keys) => [IDS, { found: [{ hourSeconds, keys }], filter }] as const),
      ...tokens.map((keys) => [TOKENS, { found: [{ hourSeconds, keys }], filter }] as const),
    ]),
  );
  const whole = [IDS, TOKENS].map((lookup) => noteAllSql(lookup, null));
  const notes = searches.map((search) => noteAllSql(...search));
  return {
    "batch.searchCopies": searches.map((search) => searchSql(...search)).join(""),
    "batch.noteCopies": [...notes, ...whole, noteSql(IDS, ["0"]), noteSql(TOKENS, ["0"])].join(""),
  };
}

export interface Among {
  readonly found: readonly NewKeys[];
  /** Rules out rows whose keys are surely none of those. */
  readonly filter: KeyFilter | null;
}

/** Keys that are noted by their numbers. Of more, all that was searched is searched again while they are noted. */
export const NOTED_MAX = 1_000;

/** A query of keys that have several hours, as numbers, each as often as it comes; one more than are noted so. */
export function searchSql(lookup: Lookup, among: Among): string {
  return `
    SELECT toString(${lookup.number}) AS number FROM (${otherHours(lookup, among)})
    LIMIT ${NOTED_MAX + 1}`;
}

/** Notes the rows of some keys. @param numbers In decimal digits, at least one. */
export function noteSql(lookup: Lookup, numbers: readonly string[]): string {
  return noteWhere(lookup, `${lookup.number} IN (${numbers.join(", ")})`);
}

/**
 * Notes the rows of all keys that have several hours.
 *
 * @param among Keys to look up; null for every one.
 */
export function noteAllSql(lookup: Lookup, among: Among | null): string {
  const { table, key, ordered } = lookup;
  if (among === null) return noteWhere(lookup, `${ordered} IN (${severalHours(table, ordered)})`);
  return noteWhere(lookup, `${key} IN (${otherHours(lookup, among)})`);
}

/** Few rows are noted: of all others no more than the key is read. */
function noteWhere({ table, id }: Lookup, condition: string): string {
  return `
    INSERT INTO event_copies (campaign_id, event_id, path, event_hour)
    SELECT campaign_id, ${id}, path, event_hour
    FROM ${table}
    PREWHERE ${condition}`;
}

/**
 * Keys of new rows that the table has in an hour that is not theirs. What is new is in the table too: so these
 * are the keys with several hours, and nothing has to be grouped to tell.
 */
function otherHours({ table, key, number }: Lookup, { found, filter }: Among): string {
  const rows = filter === null ? table : filteredRows(table, key, mayBeAmong(filter, number));
  const isAmong = ({ keys }: NewKeys) => `${number} IN (
        ${keys})`;
  const [only] = found;
  if (only?.hourSeconds === null) return severalHours(rows, key, isAmong(only));
  const conditions = found.map((one) => {
    return `(event_hour != fromUnixTimestamp(${one.hourSeconds}) AND ${isAmong(one)})`;
  });
  return `
      SELECT ${key} FROM ${rows} WHERE ${conditions.join(" OR ")}`;
}

/** One condition after the other: the engine asks all rows for each of those that it is given together. */
function filteredRows(
  table: string,
  key: string,
  { first, second }: ReturnType<typeof mayBeAmong>,
): string {
  return `(SELECT ${key}, event_hour FROM ${table} PREWHERE ${first} WHERE ${second})`;
}

function severalHours(rows: string, key: string, condition = "true"): string {
  // In the order of the table no hash table is needed; few hashes need none worth speaking of.
  const inOrder = key === IDS.key ? "" : "SETTINGS optimize_aggregation_in_order = 1";
  return `
      SELECT ${key} FROM ${rows} WHERE ${condition}
      GROUP BY ${key}
      HAVING min(event_hour) != max(event_hour)
      ${inOrder}`;
}

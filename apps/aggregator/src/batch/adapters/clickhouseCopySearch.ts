import { randomUUID } from "node:crypto";
import type { ClickHouseClient } from "@clickhouse/client";
import type { ClickHouseObjects } from "@trueclick/archive/clickhouseObjects";
import type { Database } from "@trueclick/db/postgres/database";
import { archiveObjects } from "@trueclick/db/postgres/schema/archive";
import { SECOND_MS } from "@trueclick/shared/time";
import { and, eq, inArray, isNull, notInArray } from "drizzle-orm";
import { TOKEN_KEY, tokenBearers } from "../domain/tokenUses.ts";
import type { CopySearch } from "../ports/copySearch.ts";
import {
  SEARCH_SETTINGS,
  type SearchedObject,
  takeUses,
  tokensIn,
  USES_IN_MEMORY,
} from "./clickhouseTokenUses.ts";
import { type MemoryTables, memoryTables } from "./memoryTables.ts";

/** Objects of one look. */
const OBJECTS_MAX = 5_000;
/**
 * Ids that are looked up one by one, as a set of 64-bit hashes: some 32 MB, as reckoned. More are found
 * by reading the whole index in its order, which needs no set.
 */
const IDS_MAX = 2_000_000n;
/** Event hours of new objects that are looked for one by one: each is a set that all of the index is asked for. */
const HOURS_MAX = 2;

/**
 * Fills `event_copies` from the row index, and from `token_uses`, which it fills from the objects. Of
 * two objects with an id or a token in common, the one that is looked up last finds both: the index
 * has an object's rows before the manifest has the object, and an object's uses are written before
 * any is looked for.
 *
 * An object that cannot be read stops the jobs that need it, by name. The index has its ids; its
 * uses are looked for again at every search, until it can be read.
 */
export function createClickHouseCopySearch(
  db: Database,
  clickhouse: ClickHouseClient,
  objects: ClickHouseObjects,
  topic: string,
): CopySearch {
  const memory = memoryTables(clickhouse, SEARCH_SETTINGS, USES_IN_MEMORY);
  return {
    async search() {
      const unreadable = new Set<string>();
      for (;;) {
        const found = await unsearchedObjects(db, topic, [...unreadable]);
        if (found.length === 0) return;
        const damaged = new Set(await searchObjects({ clickhouse, objects, memory }, found));
        const done = found.map(({ path }) => path).filter((path) => !damaged.has(path));
        await db
          .update(archiveObjects)
          .set({ copiesSearchedAt: new Date() })
          .where(inArray(archiveObjects.path, done));
        for (const path of damaged) unreadable.add(path);
      }
    },
  };
}

function areFew(found: readonly SearchedObject[]): boolean {
  return found.reduce((sum, { rows }) => sum + rows, 0n) <= IDS_MAX;
}

interface Search {
  readonly clickhouse: ClickHouseClient;
  readonly objects: ClickHouseObjects;
  readonly memory: MemoryTables;
}

interface NewRows {
  /** Start of the event hour that all of them have, epoch seconds; null where they have several. */
  readonly hourSeconds: number | null;
  /** A sub-query with the columns of the archive. */
  readonly rows: string;
  /** SQL of the tokens that they use, as 64 bits. */
  readonly tokens: string;
}

/** @param memory A table that has the uses of all of them; null where there is none. */
function newRows(
  objects: ClickHouseObjects,
  found: readonly SearchedObject[],
  memory: string | null,
): NewRows[] {
  const of = (hourSeconds: number | null, some: readonly SearchedObject[]): NewRows => {
    const rows = objects.rowsOf(some.map(({ path }) => path));
    const tokens = memory === null ? tokensOf(rows) : tokensIn(memory, hourSeconds);
    return { hourSeconds, rows, tokens };
  };
  const byHour = [...Map.groupBy(found, ({ eventHour }) => eventHour.getTime() / SECOND_MS)];
  if (byHour.length > HOURS_MAX) return [of(null, found)];
  return byHour.map(([hourSeconds, own]) => of(hourSeconds, own));
}

const tokensOf = (rows: string) =>
  `SELECT reinterpretAsUInt64(${TOKEN_KEY}) FROM ${tokenBearers(rows)}`;

/** Looks up ids, and beside it tokens, which must be taken before. Answers as `takeUses` does. */
async function searchObjects(
  { clickhouse, objects, memory }: Search,
  found: readonly SearchedObject[],
): Promise<string[]> {
  const search = async (query: string) => {
    await clickhouse.command({
      query,
      clickhouse_settings: { ...SEARCH_SETTINGS, log_comment: "batch.searchCopies" },
    });
  };
  const isFew = areFew(found);
  // Jobs that find the same objects at the same time have a table each.
  const table = `${USES_IN_MEMORY.like}_${randomUUID().replaceAll("-", "")}`;
  const take = async () => {
    const rows = found.reduce((sum, object) => sum + Number(object.rows), 0);
    const made = isFew && (await memory.make(table, rows)) ? table : null;
    return { made, damaged: await takeUses(clickhouse, objects, found, made) };
  };
  try {
    const [taken, searched] = await Promise.allSettled([
      take(),
      search(idSearch(isFew ? newRows(objects, found, null) : null)),
    ]);
    if (taken.status === "rejected") throw taken.reason;
    const { made, damaged } = taken.value;
    // What cannot be read cannot say what to look for.
    if (damaged.length > 0) await search(idSearch(null));
    else if (searched.status === "rejected") throw searched.reason;
    const isKnown = isFew && damaged.length === 0;
    await search(tokenSearch(isKnown ? newRows(objects, found, made) : null));
    // Else neither what was written of them nor what was looked for is to be believed.
    if (made !== null) await memory.requireWhole(made);
    return damaged;
  } finally {
    await memory.release(table);
  }
}

/** What was compacted lies in another object, which is looked up as well. */
function unsearchedObjects(
  db: Database,
  topic: string,
  butFor: readonly string[],
): Promise<SearchedObject[]> {
  return db
    .select({
      path: archiveObjects.path,
      rows: archiveObjects.rows,
      eventHour: archiveObjects.eventHour,
    })
    .from(archiveObjects)
    .where(
      and(
        eq(archiveObjects.topic, topic),
        isNull(archiveObjects.copiesSearchedAt),
        isNull(archiveObjects.compactedInto),
        notInArray(archiveObjects.path, [...butFor]),
      ),
    )
    .limit(OBJECTS_MAX);
}

/**
 * Ids by their 64-bit hashes: a row of the index costs its hash and no text. Two ids with one hash lead
 * to objects that nobody needs, and to no more.
 *
 * @param found Rows of the objects that are new; null to look up every id.
 */
function idSearch(found: readonly NewRows[] | null): string {
  if (found === null) return searchSql("event_index", "event_id", "event_id", null);
  const isAmong = ({ rows }: NewRows) => `id_hash IN (SELECT cityHash64(event_id) FROM ${rows})`;
  return searchSql("event_index", "id_hash", "event_id", { isAmong, found });
}

/** @param found As in `idSearch`, for tokens. */
function tokenSearch(found: readonly NewRows[] | null): string {
  const isAmong = ({ tokens }: NewRows) => `reinterpretAsUInt64(token_key) IN (
        ${tokens})`;
  // No id of an event: one that looks like it leads to objects that nobody needs, and to no more.
  const id = "concat('token:', hex(token_key))";
  return searchSql("token_uses", "token_key", id, found === null ? null : { isAmong, found });
}

/** The SQL that ids and tokens are looked up by, by the name of its queries. */
export function searchProgram(): Record<string, string> {
  const all = [0, null].map((hourSeconds) => [
    { hourSeconds, rows: "rows", tokens: tokensOf("rows") },
    { hourSeconds, rows: "rows", tokens: tokensIn("memory", hourSeconds) },
  ]);
  const searches = [...all, null].flatMap((found) => [idSearch(found), tokenSearch(found)]);
  return { "batch.searchCopies": searches.join("") };
}

interface Among {
  /** A condition on the key: it is one of some rows of the archive. */
  readonly isAmong: (rows: NewRows) => string;
  readonly found: readonly NewRows[];
}

/** Few rows have what is looked for: of all others no more than the key is read. */
function searchSql(table: string, key: string, id: string, among: Among | null): string {
  return `
    INSERT INTO event_copies (campaign_id, event_id, path, event_hour)
    SELECT campaign_id, ${id}, path, event_hour
    FROM ${table}
    PREWHERE ${key} IN (${among === null ? severalHours(table, key) : otherHours(table, key, among)})`;
}

/**
 * Keys of new rows that the table has in an hour that is not theirs. What is new is in the table too: so these
 * are the keys with several hours, and nothing has to be grouped to tell.
 */
function otherHours(table: string, key: string, { isAmong, found }: Among): string {
  const [only] = found;
  if (only?.hourSeconds === null) return severalHours(table, key, isAmong(only));
  const conditions = found.map((one) => {
    return `(event_hour != fromUnixTimestamp(${one.hourSeconds}) AND ${isAmong(one)})`;
  });
  return `
      SELECT ${key} FROM ${table} WHERE ${conditions.join(" OR ")}`;
}

function severalHours(table: string, key: string, condition = "true"): string {
  // In the order of the table no hash table is needed; few hashes need none worth speaking of.
  const inOrder = key === "id_hash" ? "" : "SETTINGS optimize_aggregation_in_order = 1";
  return `
      SELECT ${key} FROM ${table} WHERE ${condition}
      GROUP BY ${key}
      HAVING min(event_hour) != max(event_hour)
      ${inOrder}`;
}

import { randomUUID } from "node:crypto";
import type { ClickHouseClient } from "@clickhouse/client";
import type { ClickHouseObjects } from "@trueclick/archive/clickhouseObjects";
import type { Database } from "@trueclick/db/postgres/database";
import { archiveObjects } from "@trueclick/db/postgres/schema/archive";
import { SECOND_MS } from "@trueclick/shared/time";
import { and, eq, inArray, isNull, notInArray } from "drizzle-orm";
import { z } from "zod";
import type { CopySearch } from "../ports/copySearch.ts";
import { IDS_IN_MEMORY, idsIn, takeIds } from "./clickhouseNewIds.ts";
import {
  SEARCH_SETTINGS,
  type SearchedObject,
  takeUses,
  tokensIn,
  USES_IN_MEMORY,
} from "./clickhouseTokenUses.ts";
import {
  type Among,
  IDS,
  idsOf,
  type Lookup,
  type NewKeys,
  NOTED_MAX,
  noteAllSql,
  noteSql,
  searchSql,
  TOKENS,
  tokensOf,
} from "./copySearchSql.ts";
import { type KeyFilters, keyFilters } from "./keyFilters.ts";
import { type MemoryTables, type MemoryTablesLike, memoryTables } from "./memoryTables.ts";

/** Objects of one look. */
const OBJECTS_MAX = 5_000;
/**
 * Ids that are looked up one by one, as a set of 64-bit hashes: some 32 MB, as reckoned. More are found
 * by reading the whole index in its order, which needs no set.
 */
const IDS_MAX = 2_000_000;
/** Event hours of new objects that are looked for one by one: each is a set that all of the index is asked for. */
const HOURS_MAX = 2;
/** Rows from which on a filter of them is worth the statements that make it, some 20 ms. */
const FILTERED_ROWS_MIN = 10_000;

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
  filteredRowsMin = FILTERED_ROWS_MIN,
): CopySearch {
  const uses = keptRows(clickhouse, USES_IN_MEMORY);
  const ids = keptRows(clickhouse, IDS_IN_MEMORY);
  const search = { clickhouse, objects, uses, ids, filteredRowsMin };
  return {
    async search() {
      const unreadable = new Set<string>();
      for (;;) {
        const found = await unsearchedObjects(db, topic, [...unreadable]);
        if (found.length === 0) return;
        const damaged = new Set(await searchObjects(search, found));
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

/** Rows that are written to memory and looked for, and filters of them. */
interface KeptRows {
  readonly tables: MemoryTables;
  readonly filters: KeyFilters;
}

function keptRows(clickhouse: ClickHouseClient, like: MemoryTablesLike): KeptRows {
  return {
    tables: memoryTables(clickhouse, SEARCH_SETTINGS, like),
    filters: keyFilters(clickhouse, SEARCH_SETTINGS, like.like),
  };
}

interface Search {
  readonly clickhouse: ClickHouseClient;
  readonly objects: ClickHouseObjects;
  readonly uses: KeptRows;
  readonly ids: KeptRows;
  readonly filteredRowsMin: number;
}

/** @param keysOf SQL of the keys of some new objects, which are all of one hour unless that is null. */
function newKeys(
  found: readonly SearchedObject[],
  keysOf: (some: readonly SearchedObject[], hourSeconds: number | null) => string,
): NewKeys[] {
  const of = (hourSeconds: number | null, some: readonly SearchedObject[]): NewKeys => {
    return { hourSeconds, keys: keysOf(some, hourSeconds) };
  };
  const byHour = [...Map.groupBy(found, ({ eventHour }) => eventHour.getTime() / SECOND_MS)];
  if (byHour.length > HOURS_MAX) return [of(null, found)];
  return byHour.map(([hourSeconds, own]) => of(hourSeconds, own));
}

/** Looks up ids, and beside it tokens, which must be taken before. Answers as `takeUses` does. */
async function searchObjects(search: Search, found: readonly SearchedObject[]): Promise<string[]> {
  const { clickhouse, objects, uses, ids } = search;
  const rows = found.reduce((sum, object) => sum + Number(object.rows), 0);
  const isFew = rows <= IDS_MAX;
  // Jobs that find the same objects at the same time have tables each.
  const id = randomUUID().replaceAll("-", "");
  const table = `${USES_IN_MEMORY.like}_${id}`;
  const take = async () => {
    const made = isFew && (await uses.tables.make(table, rows)) ? table : null;
    return { made, damaged: await takeUses(clickhouse, objects, found, made) };
  };
  try {
    const [taken, searched] = await Promise.allSettled([
      take(),
      isFew
        ? searchIds(search, found, { table: `${IDS_IN_MEMORY.like}_${id}`, rows })
        : note(clickhouse, noteAllSql(IDS, null)),
    ]);
    if (taken.status === "rejected") throw taken.reason;
    const { made, damaged } = taken.value;
    // What cannot be read cannot say what to look for.
    if (damaged.length > 0) await note(clickhouse, noteAllSql(IDS, null));
    else if (searched.status === "rejected") throw searched.reason;
    if (isFew && damaged.length === 0) await searchTokens(search, found, { table: made, rows });
    else await note(clickhouse, noteAllSql(TOKENS, null));
    // Else neither what was written of them nor what was looked for is to be believed.
    if (made !== null) await uses.tables.requireWhole(made);
    return damaged;
  } finally {
    await release(uses, table);
    await release(ids, `${IDS_IN_MEMORY.like}_${id}`);
  }
}

async function release({ tables, filters }: KeptRows, table: string): Promise<void> {
  await filters.release(table);
  await tables.release(table);
}

const numberRow = z.object({ number: z.string().regex(/^\d+$/) });

/** Nearly always nothing is found, and the table is read once. */
async function look(clickhouse: ClickHouseClient, lookup: Lookup, among: Among): Promise<void> {
  const result = await clickhouse.query({
    query: searchSql(lookup, among),
    format: "JSONEachRow",
    clickhouse_settings: { ...SEARCH_SETTINGS, log_comment: "batch.searchCopies" },
  });
  const found = z.array(numberRow).parse(await result.json());
  if (found.length === 0) return;
  const numbers = [...new Set(found.map(({ number }) => number))];
  const isAll = found.length <= NOTED_MAX;
  await note(clickhouse, isAll ? noteSql(lookup, numbers) : noteAllSql(lookup, among));
}

async function note(clickhouse: ClickHouseClient, query: string): Promise<void> {
  await clickhouse.command({
    query,
    clickhouse_settings: { ...SEARCH_SETTINGS, log_comment: "batch.noteCopies" },
  });
}

/** @param own A table of `IDS_IN_MEMORY` that is not there yet, and most rows that it will have. */
async function searchIds(
  { clickhouse, objects, ids: { tables, filters }, filteredRowsMin }: Search,
  found: readonly SearchedObject[],
  { table, rows }: { readonly table: string; readonly rows: number },
): Promise<void> {
  const rowsOf = (some: readonly SearchedObject[]) => objects.rowsOf(some.map(({ path }) => path));
  if (rows < filteredRowsMin || !(await tables.make(table, rows))) {
    const keys = newKeys(found, (some) => idsOf(rowsOf(some)));
    return look(clickhouse, IDS, { found: keys, filter: null });
  }
  await takeIds(clickhouse, SEARCH_SETTINGS, rowsOf(found), table);
  const filter = await filters.make(table, "id_hash", rows);
  const keys = newKeys(found, (_, hourSeconds) => idsIn(table, hourSeconds));
  await look(clickhouse, IDS, { found: keys, filter });
  await tables.requireWhole(table);
}

/** @param uses A table of `USES_IN_MEMORY` that has all of them, if there is one, and most rows that it has. */
async function searchTokens(
  { clickhouse, objects, uses: { filters }, filteredRowsMin }: Search,
  found: readonly SearchedObject[],
  { table, rows }: { readonly table: string | null; readonly rows: number },
): Promise<void> {
  const isFiltered = table !== null && rows >= filteredRowsMin;
  const filter = isFiltered ? await filters.make(table, TOKENS.number, rows) : null;
  const keys = newKeys(found, (some, hourSeconds) => {
    if (table !== null) return tokensIn(table, hourSeconds);
    return tokensOf(objects.rowsOf(some.map(({ path }) => path)));
  });
  await look(clickhouse, TOKENS, { found: keys, filter });
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

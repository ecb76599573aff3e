import type { ClickHouseClient } from "@clickhouse/client";
import type { ClickHouseObjects } from "@trueclick/archive/clickhouseObjects";
import type { Database } from "@trueclick/db/postgres/database";
import { archiveObjects } from "@trueclick/db/postgres/schema/archive";
import { and, eq, inArray, isNull, notInArray } from "drizzle-orm";
import { TOKEN_KEY, tokenBearers } from "../domain/tokenUses.ts";
import type { CopySearch } from "../ports/copySearch.ts";
import { SEARCH_SETTINGS, type SearchedObject, takeUses } from "./clickhouseTokenUses.ts";

/** Objects of one look. */
const OBJECTS_MAX = 5_000;
/**
 * Ids that are looked up one by one, as a set of 64-bit hashes: some 32 MB, as reckoned. More are found
 * by reading the whole index in its order, which needs no set.
 */
const IDS_MAX = 2_000_000n;

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
  return {
    async search() {
      const unreadable = new Set<string>();
      for (;;) {
        const found = await unsearchedObjects(db, topic, [...unreadable]);
        if (found.length === 0) return;
        const damaged = new Set(await searchObjects(clickhouse, objects, found));
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

/** Looks up ids, and beside it tokens, which must be taken before. Answers as `takeUses` does. */
async function searchObjects(
  clickhouse: ClickHouseClient,
  objects: ClickHouseObjects,
  found: readonly SearchedObject[],
): Promise<string[]> {
  const search = async (query: string) => {
    await clickhouse.command({
      query,
      clickhouse_settings: { ...SEARCH_SETTINGS, log_comment: "batch.searchCopies" },
    });
  };
  const named = areFew(found) ? objects.rowsOf(found.map(({ path }) => path)) : null;
  const [taken, searched] = await Promise.allSettled([
    takeUses(clickhouse, objects, found),
    search(idSearch(named)),
  ]);
  if (taken.status === "rejected") throw taken.reason;
  const damaged = taken.value;
  // What cannot be read cannot say what to look for.
  if (damaged.length > 0) await search(idSearch(null));
  else if (searched.status === "rejected") throw searched.reason;
  await search(tokenSearch(damaged.length > 0 ? null : named));
  return damaged;
}

/** What was compacted lies in another object, which is looked up as well. */
function unsearchedObjects(
  db: Database,
  topic: string,
  butFor: readonly string[],
): Promise<SearchedObject[]> {
  return db
    .select({ path: archiveObjects.path, rows: archiveObjects.rows })
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
 * @param rows Rows of the objects that are new; null to look up every id.
 */
function idSearch(rows: string | null): string {
  if (rows === null) return searchSql("event_index", "event_id", "event_id", null);
  const among = `id_hash IN (SELECT cityHash64(event_id) FROM ${rows})`;
  return searchSql("event_index", "id_hash", "event_id", among);
}

/** @param rows As in `idSearch`, for tokens. */
function tokenSearch(rows: string | null): string {
  const among =
    rows &&
    `reinterpretAsUInt64(token_key) IN (
        SELECT reinterpretAsUInt64(${TOKEN_KEY}) FROM ${tokenBearers(rows)})`;
  // No id of an event: one that looks like it leads to objects that nobody needs, and to no more.
  return searchSql("token_uses", "token_key", "concat('token:', hex(token_key))", among);
}

/** The SQL that ids and tokens are looked up by, by the name of its queries. */
export function searchProgram(): Record<string, string> {
  const all = ["rows", null].flatMap((rows) => [idSearch(rows), tokenSearch(rows)]);
  return { "batch.searchCopies": all.join("") };
}

function searchSql(table: string, key: string, id: string, among: string | null): string {
  // In the order of the table no hash table is needed; few hashes need none worth speaking of.
  const inOrder = key === "id_hash" ? "" : "SETTINGS optimize_aggregation_in_order = 1";
  return `
    INSERT INTO event_copies (campaign_id, event_id, path, event_hour)
    SELECT campaign_id, ${id}, path, event_hour
    FROM ${table}
    WHERE ${key} IN (
      SELECT ${key} FROM ${table} ${among === null ? "" : `WHERE ${among}`}
      GROUP BY ${key}
      HAVING min(event_hour) != max(event_hour)
      ${inOrder}
    )`;
}

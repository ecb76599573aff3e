import type { ClickHouseClient } from "@clickhouse/client";
import type { ClickHouseObjects } from "@trueclick/archive/clickhouseObjects";
import type { Database } from "@trueclick/db/postgres/database";
import { archiveObjects } from "@trueclick/db/postgres/schema/archive";
import { and, eq, inArray, isNull } from "drizzle-orm";
import { z } from "zod";
import type { CopySearch } from "../ports/copySearch.ts";

/** Objects of one look. */
const OBJECTS_MAX = 5_000;
/**
 * Ids that are looked up one by one: a set of them takes some 300 MB of the engine. More are found by
 * reading the whole index in its order, which takes no memory and two seconds for ten million rows.
 */
const IDS_MAX = 2_000_000;

const SETTINGS = { use_hive_partitioning: 0, max_query_size: "67108864" } as const;
const countRow = z.object({ rows: z.coerce.number().int() });

interface UnsearchedObject {
  readonly path: string;
  readonly rows: bigint;
}

/**
 * Fills `event_copies` from the row index. Of two objects with an id in common, the one that is
 * looked up last finds both: the index has an object's rows before the manifest has the object.
 */
export function createClickHouseCopySearch(
  db: Database,
  clickhouse: ClickHouseClient,
  objects: ClickHouseObjects,
  topic: string,
): CopySearch {
  return {
    async search() {
      for (;;) {
        const found = await unsearchedObjects(db, topic);
        if (found.length === 0) return;
        const ids = await newIds(clickhouse, objects, found);
        await clickhouse.command({
          query: searchSql(ids),
          clickhouse_settings: { ...SETTINGS, log_comment: "batch.searchCopies" },
        });
        const paths = found.map(({ path }) => path);
        await db
          .update(archiveObjects)
          .set({ copiesSearchedAt: new Date() })
          .where(inArray(archiveObjects.path, paths));
      }
    },
  };
}

/** What was compacted lies in another object, which is looked up as well. */
function unsearchedObjects(db: Database, topic: string): Promise<UnsearchedObject[]> {
  return db
    .select({ path: archiveObjects.path, rows: archiveObjects.rows })
    .from(archiveObjects)
    .where(
      and(
        eq(archiveObjects.topic, topic),
        isNull(archiveObjects.copiesSearchedAt),
        isNull(archiveObjects.compactedInto),
      ),
    )
    .limit(OBJECTS_MAX);
}

/** A sub-query of the objects' ids; null to look up every id of the index. */
async function newIds(
  clickhouse: ClickHouseClient,
  objects: ClickHouseObjects,
  found: readonly UnsearchedObject[],
): Promise<string | null> {
  const expected = found.reduce((sum, { rows }) => sum + Number(rows), 0);
  if (expected > IDS_MAX) return null;
  const rows = objects.rowsOf(found.map(({ path }) => path));
  try {
    const counted = await clickhouse.query({
      query: `SELECT count() AS rows FROM ${rows}`,
      format: "JSONEachRow",
      clickhouse_settings: { ...SETTINGS, log_comment: "batch.countNewIds" },
    });
    const [count] = z.array(countRow).parse(await counted.json());
    if (count?.rows === expected) return `SELECT event_id FROM ${rows}`;
  } catch {
    // An object that cannot be read stops the jobs that need it, by name; the index has its ids.
  }
  return null;
}

function searchSql(ids: string | null): string {
  const among = ids === null ? "" : `WHERE event_id IN (${ids})`;
  return `
    INSERT INTO event_copies (campaign_id, event_id, path, event_hour)
    SELECT campaign_id, event_id, path, event_hour
    FROM event_index
    WHERE event_id IN (
      SELECT event_id FROM event_index ${among}
      GROUP BY event_id
      HAVING min(event_hour) != max(event_hour)
      SETTINGS optimize_aggregation_in_order = 1
    )`;
}

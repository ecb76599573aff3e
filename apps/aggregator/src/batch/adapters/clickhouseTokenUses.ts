import type { ClickHouseClient } from "@clickhouse/client";
import type { ClickHouseObjects } from "@trueclick/archive/clickhouseObjects";
import { z } from "zod";
import { TOKEN_KEY, tokenBearers } from "../domain/tokenUses.ts";

export const SEARCH_SETTINGS = {
  use_hive_partitioning: 0,
  max_query_size: "67108864",
  // As in judging: the reader of Parquet loses columns that a condition moved there shares.
  optimize_move_to_prewhere: 0,
} as const;

/** Objects of one search that may be damaged. With more, the store is what is wrong. */
const UNREADABLE_MAX = 20;

const countRow = z.tuple([z.object({ rows: z.coerce.bigint() })]);

/** An object whose ids and tokens are looked up. */
export interface SearchedObject {
  readonly path: string;
  readonly rows: bigint;
  readonly eventHour: Date;
}

/**
 * Writes the uses of tokens in some objects to `token_uses`. Idempotent.
 *
 * @returns The paths of those that cannot be read.
 * @throws what the engine throws, when more than a few cannot be read.
 */
export async function takeUses(
  clickhouse: ClickHouseClient,
  objects: ClickHouseObjects,
  found: readonly SearchedObject[],
): Promise<string[]> {
  const unreadable: string[] = [];
  const waiting = [found];
  for (let some = waiting.pop(); some !== undefined; some = waiting.pop()) {
    try {
      await takeReadable(clickhouse, objects, some);
    } catch (error) {
      if (some.length > 1) {
        const middle = Math.ceil(some.length / 2);
        waiting.push(some.slice(0, middle), some.slice(middle));
        continue;
      }
      unreadable.push(...some.map(({ path }) => path));
      if (unreadable.length > UNREADABLE_MAX) throw error;
    }
  }
  return unreadable;
}

function countRowsSql(rows: string): string {
  return `SELECT count() AS rows FROM ${rows}`;
}

function takeUsesSql(rows: string): string {
  return `
    INSERT INTO token_uses (token_key, campaign_id, event_hour, path)
    SELECT ${TOKEN_KEY}, campaign_id, toStartOfHour(event_time), path
    FROM ${tokenBearers(rows)}`;
}

/** The SQL that uses of tokens are taken by, by the names of its queries. */
export const USES_PROGRAM: Readonly<Record<string, string>> = {
  "batch.countNewRows": countRowsSql("rows"),
  "batch.takeUses": takeUsesSql("rows"),
};

/** @throws {Error} if one of them is missing; and what the engine throws. */
async function takeReadable(
  clickhouse: ClickHouseClient,
  objects: ClickHouseObjects,
  found: readonly SearchedObject[],
): Promise<void> {
  const rows = objects.rowsOf(found.map(({ path }) => path));
  const counted = await clickhouse.query({
    query: countRowsSql(rows),
    format: "JSONEachRow",
    clickhouse_settings: { ...SEARCH_SETTINGS, log_comment: "batch.countNewRows" },
  });
  const [count] = countRow.parse(await counted.json());
  const expected = found.reduce((sum, object) => sum + object.rows, 0n);
  if (count.rows !== expected) {
    throw new Error(`read ${count.rows} rows of objects that have ${expected}`);
  }
  await clickhouse.command({
    query: takeUsesSql(rows),
    clickhouse_settings: {
      ...SEARCH_SETTINGS,
      // Equal rows are left to merges: looking for them at once takes a third of the insert.
      optimize_on_insert: 0,
      log_comment: "batch.takeUses",
    },
  });
}

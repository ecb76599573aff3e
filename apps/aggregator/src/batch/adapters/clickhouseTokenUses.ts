import type { ClickHouseClient } from "@clickhouse/client";
import type { ClickHouseObjects } from "@trueclick/archive/clickhouseObjects";
import { z } from "zod";
import { TOKEN_KEY, tokenBearers } from "../domain/tokenUses.ts";
import { type MemoryTablesLike, memoryTablesProgram } from "./memoryTables.ts";

export const SEARCH_SETTINGS = {
  use_hive_partitioning: 0,
  max_query_size: "67108864",
  // As in judging: the reader of Parquet loses columns that a condition moved there shares.
  optimize_move_to_prewhere: 0,
} as const;

/** Equal rows are left to merges: looking for them at once takes a third of the insert. */
const WRITING = { ...SEARCH_SETTINGS, optimize_on_insert: 0 } as const;

/** Objects of one search that may be damaged. With more, the store is what is wrong. */
const UNREADABLE_MAX = 20;

const countRow = z.tuple([z.object({ rows: z.coerce.bigint() })]);

/** An object whose ids and tokens are looked up. */
export interface SearchedObject {
  readonly path: string;
  readonly rows: bigint;
  readonly eventHour: Date;
}

/** Of the tables in memory, and of that on disk. */
const USES = "token_uses";
const COLUMNS = "token_key, campaign_id, event_hour, path";

/** Uses of the objects of one search, some 110 bytes each: read once, written and then looked for. */
export const USES_IN_MEMORY: MemoryTablesLike = {
  ...{ like: USES, marked: "event_hour", step: "batch.uses" },
  rowsMax: 1_500_000,
};
/** The mark has no path. */
const IS_USE = "path != ''";

/** SQL of the tokens that a table in memory has of one event hour, epoch seconds, or of all, as 64 bits. */
export function tokensIn(table: string, hourSeconds: number | null): string {
  const isOfHour = hourSeconds === null ? IS_USE : `event_hour = fromUnixTimestamp(${hourSeconds})`;
  return `SELECT reinterpretAsUInt64(token_key) FROM ${table} WHERE ${isOfHour}`;
}

/**
 * Writes the uses of tokens in some objects to `token_uses`. Idempotent.
 *
 * @param memory A table of `USES_IN_MEMORY` that has them as well; null to write them at once.
 * @returns The paths of those that cannot be read.
 * @throws what the engine throws, when more than a few cannot be read.
 */
export async function takeUses(
  clickhouse: ClickHouseClient,
  objects: ClickHouseObjects,
  found: readonly SearchedObject[],
  memory: string | null = null,
): Promise<string[]> {
  const unreadable: string[] = [];
  const waiting = [found];
  for (let some = waiting.pop(); some !== undefined; some = waiting.pop()) {
    try {
      await takeReadable(clickhouse, objects, some, memory);
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
  if (memory !== null) {
    await clickhouse.command({
      query: keepUsesSql(memory),
      clickhouse_settings: {
        ...WRITING,
        // In the order that they lie in.
        max_threads: 1,
        log_comment: "batch.keepUses",
      },
    });
  }
  return unreadable;
}

function countRowsSql(rows: string): string {
  return `SELECT count() AS rows FROM ${rows}`;
}

function takeUsesSql(rows: string, table: string): string {
  return `
    INSERT INTO ${table} (${COLUMNS})
    SELECT ${TOKEN_KEY}, campaign_id, toStartOfHour(event_time), path
    FROM ${tokenBearers(rows)}`;
}

/**
 * In the order of `token_uses` but for tokens whose first 64 bits are equal. Numbers are sorted by their digits,
 * in a fraction of the time in which the insert sorts rows by comparing them; those that are in order it leaves.
 */
function takeInOrderSql(rows: string, table: string): string {
  return `
    INSERT INTO ${table} (${COLUMNS})
    SELECT ${TOKEN_KEY} AS token_key, campaign_id, toStartOfHour(event_time), path
    FROM ${tokenBearers(rows)}
    ORDER BY byteSwap(reinterpretAsUInt64(token_key))`;
}

function keepUsesSql(memory: string): string {
  return `
    INSERT INTO token_uses (${COLUMNS})
    SELECT ${COLUMNS} FROM ${memory} WHERE ${IS_USE}`;
}

/** The SQL that uses of tokens are taken by, by the names of its queries. */
export const USES_PROGRAM: Readonly<Record<string, string>> = {
  "batch.countNewRows": countRowsSql("rows"),
  "batch.takeUses": `${takeUsesSql("rows", USES)}; ${takeInOrderSql("rows", "memory")}`,
  "batch.keepUses": keepUsesSql("memory"),
  ...memoryTablesProgram(USES_IN_MEMORY),
};

/** @throws {Error} if one of them is missing; and what the engine throws. */
async function takeReadable(
  clickhouse: ClickHouseClient,
  objects: ClickHouseObjects,
  found: readonly SearchedObject[],
  memory: string | null,
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
    query: memory === null ? takeUsesSql(rows, USES) : takeInOrderSql(rows, memory),
    clickhouse_settings: { ...WRITING, log_comment: "batch.takeUses" },
  });
}

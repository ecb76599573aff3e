/** The ids of new objects, once in the memory of the engine: a filter is made of them, and then a set. */
import type { ClickHouseClient, ClickHouseSettings } from "@clickhouse/client";
import { type MemoryTablesLike, memoryTablesProgram } from "./memoryTables.ts";

/** Ids of the objects of one search, 12 bytes each. */
export const IDS_IN_MEMORY: MemoryTablesLike = {
  ...{ like: "event_index", marked: "event_hour", step: "batch.ids" },
  columns: "id_hash UInt64, event_hour DateTime('UTC')",
  rowsMax: 4_000_000,
};

/** @param rows A sub-query with the columns of the archive. */
export async function takeIds(
  clickhouse: ClickHouseClient,
  settings: ClickHouseSettings,
  rows: string,
  table: string,
): Promise<void> {
  await clickhouse.command({
    query: takeIdsSql(rows, table),
    clickhouse_settings: { ...settings, log_comment: "batch.takeIds" },
  });
}

function takeIdsSql(rows: string, table: string): string {
  return `
    INSERT INTO ${table} (id_hash, event_hour)
    SELECT cityHash64(event_id), toStartOfHour(event_time) FROM ${rows}`;
}

/** SQL of the hashes of ids that a table in memory has of one event hour, epoch seconds, or of all. */
export function idsIn(table: string, hourSeconds: number | null): string {
  const isOfHour =
    hourSeconds === null ? "event_hour != 0" : `event_hour = fromUnixTimestamp(${hourSeconds})`;
  return `SELECT id_hash FROM ${table} WHERE ${isOfHour}`;
}

/** The SQL that ids are taken by, by the names of its queries. */
export const IDS_PROGRAM: Readonly<Record<string, string>> = {
  "batch.takeIds": takeIdsSql("rows", "memory"),
  ...memoryTablesProgram(IDS_IN_MEMORY),
};

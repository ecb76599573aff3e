import type { ClickHouseClient, ClickHouseSettings } from "@clickhouse/client";
import { z } from "zod";

export interface ClickHouseQuery<Row> {
  /** Shown in traces and in `system.query_log.log_comment`. */
  readonly name: string;
  /** Values only ever enter through `{name: Type}`; never by string interpolation. */
  readonly sql: string;
  readonly params: Readonly<Record<string, unknown>>;
  /** What one row must look like. A mismatch throws: the SQL and this schema are one contract. */
  readonly row: z.ZodType<Row>;
  readonly settings?: ClickHouseSettings;
}

/** Runs a query and returns its checked rows. Reads whole results: for bounded reports, not exports. */
export async function runQuery<Row>(
  client: ClickHouseClient,
  query: ClickHouseQuery<Row>,
): Promise<Row[]> {
  const result = await client.query({
    query: query.sql,
    query_params: { ...query.params },
    format: "JSONEachRow",
    clickhouse_settings: { ...query.settings, log_comment: query.name },
  });
  return z.array(query.row).parse(await result.json());
}

import type { ClickHouseClient, ClickHouseSettings } from "@clickhouse/client";
import { z } from "zod";
import type { Stores } from "../stores.ts";

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
  return z.array(query.row).parse(await readRows(client, query));
}

/**
 * The same of a query whose rows follow from its text and parameters, for ever.
 *
 * @param asOf All else that they depend on, known before any row is read.
 */
export async function runRememberedQuery<Row>(
  { clickhouse, memo }: Pick<Stores, "clickhouse" | "memo">,
  query: ClickHouseQuery<Row>,
  asOf: readonly unknown[] = [],
): Promise<Row[]> {
  if (memo === undefined) return runQuery(clickhouse, query);
  const { name, sql, params, settings } = query;
  const answer = await memo.answer([name, sql, params, settings, asOf], async () =>
    JSON.stringify(await readRows(clickhouse, query)),
  );
  return z.array(query.row).parse(JSON.parse(answer));
}

/** The rows of a query as they come. */
export async function readRows(
  client: ClickHouseClient,
  { name, sql, params, settings }: ClickHouseQuery<unknown>,
): Promise<unknown[]> {
  const result = await client.query({
    query: sql,
    query_params: { ...params },
    format: "JSONEachRow",
    clickhouse_settings: { ...settings, log_comment: name },
  });
  return result.json();
}

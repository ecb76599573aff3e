import type { ClickHouseClient, ClickHouseSettings } from "@clickhouse/client";
import type { Stores } from "../stores.ts";
import { TENANT_CONDITION, type TenantScope, tenantParams } from "../tenant.ts";
import { type ClickHouseQuery, runQuery, runRememberedQuery } from "./reader.ts";

/** Every mention of a table that holds rows of more than one advertiser. */
const TENANT_TABLE =
  /\b(?:FROM|JOIN)\s+(?:hot_minutes|hot_hours|hot_users|stream_rejects|stream_corrections|truth_cube|truth_rejects|truth_hours|truth_conversions|truth_clicks)\b/g;

/**
 * Runs a query over tenants' rows as one reader may see them.
 *
 * @throws {RangeError} if a table of tenants is read without `TENANT_CONDITION` beside it: a bug in
 *   the query, found at its first run whatever the scope is.
 */
export function runTenantQuery<Row>(
  client: ClickHouseClient,
  scope: TenantScope,
  query: ClickHouseQuery<Row>,
): Promise<Row[]> {
  return runQuery(client, asTenant(scope, query));
}

/**
 * The same of a query over rows that never change, of which nothing but its parameters and the scope
 * says which: rows of published builds. It is read once, as long as it is remembered.
 */
export function runPinnedTenantQuery<Row>(
  stores: Pick<Stores, "clickhouse" | "memo">,
  scope: TenantScope,
  query: ClickHouseQuery<Row>,
): Promise<Row[]> {
  return runRememberedQuery(stores, asTenant(scope, query));
}

/** Whose rows may be seen is a parameter like the others, so two scopes never ask the same. */
function asTenant<Row>(scope: TenantScope, query: ClickHouseQuery<Row>): ClickHouseQuery<Row> {
  assertTenantConditions(query);
  return { ...query, params: { ...query.params, ...tenantParams(scope) }, settings: SETTINGS };
}

/**
 * FINAL folds each partition of a table by itself, several at once. Versions of a row never lie in two
 * partitions: those of all these tables are made of a column of the sorting key.
 */
const SETTINGS: ClickHouseSettings = { do_not_merge_across_partitions_select_final: 1 };

function assertTenantConditions(query: { readonly name: string; readonly sql: string }): void {
  const tables = query.sql.match(TENANT_TABLE)?.length ?? 0;
  const conditions = query.sql.split(TENANT_CONDITION).length - 1;
  if (tables === 0 || tables !== conditions) {
    throw new RangeError(
      `${query.name} reads ${tables} tables of tenants under ${conditions} tenant conditions`,
    );
  }
}

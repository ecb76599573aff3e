import type { ClickHouseClient, ClickHouseSettings } from "@clickhouse/client";
import { z } from "zod";
import type { Stores } from "../stores.ts";
import { TENANT_CONDITION, type TenantScope, tenantCondition } from "../tenant.ts";
import { type ClickHouseQuery, readRows, runQuery, runRememberedQuery } from "./reader.ts";

/** Every mention of a table that holds rows of more than one advertiser. */
const TENANT_TABLE =
  /\b(?:FROM|JOIN)\s+(?:hot_minutes|hot_hours|hot_users|stream_rejects|stream_corrections|truth_cube|truth_rejects|truth_hours|truth_conversions|truth_clicks|truth_day_slices|truth_slices)\b/g;

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
 *
 * @param asOf Of rows that change no more as long as something is the same: that, known before any row
 *   is read.
 */
export function runPinnedTenantQuery<Row>(
  stores: Pick<Stores, "clickhouse" | "memo">,
  scope: TenantScope,
  query: ClickHouseQuery<Row>,
  asOf: readonly unknown[] = [],
): Promise<Row[]> {
  return runRememberedQuery(stores, asTenant(scope, query), asOf);
}

/** A query, and the same for parts of what it reads. */
export interface SettledQueries<Row> {
  readonly all: ClickHouseQuery<Row>;
  /** For the rows that change no more as long as `asOf` is the same; null for none. */
  readonly settled: ClickHouseQuery<Row> | null;
  /** For the other rows; null for none. */
  readonly rest: ClickHouseQuery<Row> | null;
  /** All that the settled rows depend on and no parameter says. Known before any row is read. */
  readonly asOf: readonly unknown[];
  /** The same of the others; null while they may be written, so that they are read each time. */
  readonly restAsOf: readonly unknown[] | null;
}

type HotStores = Pick<Stores, "clickhouse" | "memo" | "recent">;

/**
 * Runs a query of which some rows are settled, and says so in the column `settled`. Those are read once, as
 * long as they are remembered, and the rest as often as it may have changed.
 */
export async function runSettledTenantQuery<Row extends { readonly settled: boolean }>(
  stores: HotStores,
  scope: TenantScope,
  { all, settled, rest, asOf, restAsOf }: SettledQueries<Row>,
): Promise<Row[]> {
  const { clickhouse, memo } = stores;
  if (memo === undefined) return runTenantQuery(clickhouse, scope, all);
  const schema = z.array(all.row);
  const others = rest === null ? null : recentRows(stores.recent, asTenant(scope, rest), restAsOf);
  if (settled === null) return schema.parse(await readOthers(clickhouse, others));
  const { name, sql, params, settings } = asTenant(scope, settled);
  const question = [name, sql, params, settings, asOf];
  const known = memo.known(question);
  if (known !== undefined) {
    const found = await readOthers(clickhouse, others);
    return [...schema.parse(JSON.parse(known)), ...schema.parse(found)];
  }
  const found = await readRows(clickhouse, asTenant(scope, all));
  const rows = schema.parse(found);
  memo.keep(question, JSON.stringify(found.filter((_row, at) => rows[at]?.settled)));
  others?.keep(found.filter((_row, at) => rows[at]?.settled === false));
  return rows;
}

/** Rows that are not settled: how they are read, and what of them is remembered. */
interface OtherRows {
  readonly query: ClickHouseQuery<unknown>;
  readonly known: readonly unknown[] | null;
  readonly keep: (rows: readonly unknown[]) => void;
}

function recentRows(
  recent: Stores["recent"],
  query: ClickHouseQuery<unknown>,
  asOf: readonly unknown[] | null,
): OtherRows {
  if (recent === undefined || asOf === null) return { query, known: null, keep: () => {} };
  const { name, sql, params, settings } = query;
  const question = [name, sql, params, settings, asOf];
  const known = recent.known(question);
  return {
    query,
    known: known === undefined ? null : z.array(z.unknown()).parse(JSON.parse(known)),
    keep: (rows) => recent.keep(question, JSON.stringify(rows)),
  };
}

async function readOthers(
  clickhouse: ClickHouseClient,
  others: OtherRows | null,
): Promise<readonly unknown[]> {
  if (others === null) return [];
  if (others.known !== null) return others.known;
  const rows = await readRows(clickhouse, others.query);
  others.keep(rows);
  return rows;
}

/**
 * Whose rows may be seen is part of the statement or a parameter like the others, so two scopes never ask
 * the same. What a statement does not name is not sent with it: each parameter takes time to take in.
 */
function asTenant<Row>(scope: TenantScope, query: ClickHouseQuery<Row>): ClickHouseQuery<Row> {
  assertTenantConditions(query);
  const tenant = tenantCondition(scope);
  const sql = query.sql.replaceAll(TENANT_CONDITION, tenant.sql);
  const params = Object.entries({ ...query.params, ...tenant.params });
  const settings = { ...query.settings, ...SETTINGS };
  const named = params.filter(([name]) => sql.includes(`{${name}:`));
  return { ...query, sql, params: Object.fromEntries(named), settings };
}

/**
 * FINAL folds each partition of a table by itself, several at once. Versions of a row never lie in two
 * partitions: those of all these tables are made of a column of the sorting key. Conditions on the sorting
 * key, which all versions of a row share, are looked at first, and the others once rows are folded.
 */
const SETTINGS: ClickHouseSettings = {
  do_not_merge_across_partitions_select_final: 1,
  optimize_move_to_prewhere_if_final: 1,
};

function assertTenantConditions(query: { readonly name: string; readonly sql: string }): void {
  const tables = query.sql.match(TENANT_TABLE)?.length ?? 0;
  const conditions = query.sql.split(TENANT_CONDITION).length - 1;
  if (tables === 0 || tables !== conditions) {
    throw new RangeError(
      `${query.name} reads ${tables} tables of tenants under ${conditions} tenant conditions`,
    );
  }
}

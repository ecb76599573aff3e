/**
 * Whose rows a reader may see (invariant I10), and the one place where that becomes a condition of
 * SQL, for both databases.
 */
import type { AdvertiserId } from "@trueclick/shared/ids";
import { inArray, type SQL, sql } from "drizzle-orm";
import type { AnyPgColumn } from "drizzle-orm/pg-core";

/**
 * Every query takes one, so that none can forget it; an empty list sees nothing.
 */
export type TenantScope =
  | { readonly kind: "all" }
  | { readonly kind: "advertisers"; readonly ids: readonly AdvertiserId[] };

export function seesAdvertiser(scope: TenantScope, advertiserId: AdvertiserId): boolean {
  return scope.kind === "all" || scope.ids.includes(advertiserId);
}

/** The part of a scope that lies in `ids`: never more than the scope itself. */
export function narrowScope(scope: TenantScope, ids: readonly AdvertiserId[]): TenantScope {
  return { kind: "advertisers", ids: ids.filter((id) => seesAdvertiser(scope, id)) };
}

/** The tenant condition of a Postgres query; `column` holds the advertiser's id. */
export function tenantWhere(scope: TenantScope, column: AnyPgColumn): SQL {
  if (scope.kind === "all") return sql`true`;
  return scope.ids.length === 0 ? sql`false` : inArray(column, [...scope.ids]);
}

/**
 * The same of a statement that is prepared for all scopes of one kind; its parameters are `tenantParams`.
 */
export function preparedTenantWhere(kind: TenantScope["kind"], column: AnyPgColumn | SQL): SQL {
  return kind === "all" ? sql`true` : sql`${column} = any(${sql.placeholder("tenantIds")}::text[])`;
}

export function tenantParams(scope: TenantScope): { readonly tenantIds?: readonly string[] } {
  return scope.kind === "all" ? {} : { tenantIds: [...scope.ids] };
}

/**
 * The tenant condition of a ClickHouse query, written once beside every table that holds tenants'
 * rows; `runTenantQuery` refuses SQL in which one is missing, and puts that of its reader in its place. An
 * engine that finds it as it is knows none of its parameters, and refuses too.
 */
export const TENANT_CONDITION =
  "({tenant_all: Bool} OR advertiser_id IN ({tenant_ids: Array(String)}))";

/** The same for one scope, which an engine need not work out, and its values. */
export function tenantCondition(scope: TenantScope): {
  readonly sql: string;
  readonly params: Readonly<Record<string, unknown>>;
} {
  if (scope.kind === "all") return { sql: "true", params: {} };
  return {
    sql: "advertiser_id IN ({tenant_ids: Array(String)})",
    params: { tenant_ids: [...scope.ids] },
  };
}

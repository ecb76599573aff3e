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
 * Scopes for which one statement is prepared. One advertiser has statements of its own: of a list Postgres does
 * not know how long it is, takes it for ten when it plans for any values, and then holds a plan for these very
 * values to be cheaper, which it makes each time (decision 167).
 */
export type TenantKind = "all" | "one" | "several";

export function tenantKindOf(scope: TenantScope): TenantKind {
  if (scope.kind === "all") return "all";
  return scope.ids.length === 1 ? "one" : "several";
}

/** The kind that the name of a kind of statement begins with. */
export function tenantKindIn(name: `${TenantKind}_${string}`): TenantKind {
  if (name.startsWith("all_")) return "all";
  return name.startsWith("one_") ? "one" : "several";
}

/**
 * The same of a statement that is prepared for all scopes of one kind; its parameters are `tenantParams`.
 */
export function preparedTenantWhere(kind: TenantKind, column: AnyPgColumn | SQL): SQL {
  if (kind === "all") return sql`true`;
  return kind === "one"
    ? sql`${column} = ${sql.placeholder("tenantId")}::text`
    : sql`${column} = any(${sql.placeholder("tenantIds")}::text[])`;
}

export function tenantParams(scope: TenantScope): Readonly<Record<string, unknown>> {
  if (scope.kind === "all") return {};
  const [tenantId] = scope.ids;
  return tenantKindOf(scope) === "one" ? { tenantId } : { tenantIds: [...scope.ids] };
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

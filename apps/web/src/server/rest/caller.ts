/** Who asks: the holder of an API key, or a signed-in user. */
import { createHash } from "node:crypto";
import type { Database } from "@trueclick/db/postgres/database";
import { preparedOnce } from "@trueclick/db/postgres/prepared";
import { apiKeys } from "@trueclick/db/postgres/schema/keys";
import { narrowScope, type TenantScope } from "@trueclick/db/tenant";
import { ROLE_SEES_ALL, type Role, roleGrants, type Scope } from "@trueclick/shared/access";
import { and, eq, gt, isNull, or, sql } from "drizzle-orm";
import { createAccess } from "../api/access.ts";
import { RestError } from "./answer.ts";

export interface Caller {
  readonly role: Role;
  /** Whose rows it may see; every query asks for it. */
  readonly tenant: TenantScope;
}

/** The user of a session's cookie; null without a session. */
export type SessionUser = (headers: Headers) => Promise<{ readonly id: string } | null>;

const BEARER = /^Bearer +([^\s]+)$/i;

/** The SHA-256 of the API key that a request bears, hex; null where it bears none. */
export function keySha256Of(headers: Headers): string | null {
  const key = BEARER.exec(headers.get("authorization") ?? "")?.[1];
  return key === undefined ? null : createHash("sha256").update(key).digest("hex");
}

/**
 * Finds out who asks. A key counts before a cookie, and a bad key is refused even beside a good
 * cookie: who sends one means it.
 *
 * @throws {RestError} 401 without a key or session, or with a key that is unknown, revoked or over;
 *   403 for a user without a role.
 */
export async function identify(
  db: Database,
  sessionUser: SessionUser,
  headers: Headers,
  nowMs: number,
): Promise<Caller> {
  if (headers.has("authorization")) {
    const keySha256 = keySha256Of(headers);
    const caller = keySha256 === null ? null : await callerOfKey(db, keySha256, nowMs);
    if (caller === null) throw new RestError(401, "unauthorized", "the API key is not valid");
    return caller;
  }

  const user = await sessionUser(headers);
  if (user === null) {
    throw new RestError(401, "unauthorized", "send an API key: Authorization: Bearer <key>");
  }
  const access = createAccess(db);
  const role = await access.roleOf(user.id);
  if (role === null) throw new RestError(403, "forbidden", "this user has no role");
  return { role, tenant: await access.tenantOf(user.id, role) };
}

async function callerOfKey(db: Database, keySha256: string, nowMs: number): Promise<Caller | null> {
  const [found] = await keyStatement(db, "api_key").execute({
    keySha256,
    now: new Date(nowMs).toISOString(),
  });
  if (found === undefined) return null;
  const { role, advertiserId } = found;
  const all: TenantScope = { kind: "all" };
  if (advertiserId !== null) return { role, tenant: narrowScope(all, [advertiserId]) };
  // A key of no advertiser is the staff's; for any other role it opens nothing.
  return ROLE_SEES_ALL[role] ? { role, tenant: all } : null;
}

/** Asked with every request: a key that is revoked is refused at once. */
const keyStatement = preparedOnce((db, name: "api_key") => {
  const { role, advertiserId, revokedAt, expiresAt } = apiKeys;
  const now = sql`${sql.placeholder("now")}::timestamptz`;
  return db
    .select({ role, advertiserId })
    .from(apiKeys)
    .where(
      and(
        eq(apiKeys.keySha256, sql.placeholder("keySha256")),
        isNull(revokedAt),
        or(isNull(expiresAt), gt(expiresAt, now)),
      ),
    )
    .prepare(name);
});

/** @throws {RestError} 403 without the scope; for what is the operator's, also for tenants. */
export function requireScope(caller: Caller, scope: Scope, operatorOnly: boolean): void {
  const allowed = roleGrants(caller.role, scope) && (!operatorOnly || ROLE_SEES_ALL[caller.role]);
  if (!allowed) throw new RestError(403, "forbidden", `needs the scope ${scope}`);
}

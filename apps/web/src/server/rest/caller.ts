/** Who asks: the holder of an API key, or a signed-in user. */
import { createHash } from "node:crypto";
import type { Database } from "@trueclick/db/postgres/database";
import { apiKeys } from "@trueclick/db/postgres/schema/keys";
import { narrowScope, type TenantScope } from "@trueclick/db/tenant";
import { ROLE_SEES_ALL, type Role, roleGrants, type Scope } from "@trueclick/shared/access";
import { and, eq, gt, isNull, or } from "drizzle-orm";
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
  const authorization = headers.get("authorization");
  if (authorization !== null) {
    const key = BEARER.exec(authorization)?.[1];
    const caller = key === undefined ? null : await callerOfKey(db, key, nowMs);
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

async function callerOfKey(db: Database, key: string, nowMs: number): Promise<Caller | null> {
  const [found] = await db
    .select({ role: apiKeys.role, advertiserId: apiKeys.advertiserId })
    .from(apiKeys)
    .where(
      and(
        eq(apiKeys.keySha256, createHash("sha256").update(key).digest("hex")),
        isNull(apiKeys.revokedAt),
        or(isNull(apiKeys.expiresAt), gt(apiKeys.expiresAt, new Date(nowMs))),
      ),
    );
  if (found === undefined) return null;
  const { role, advertiserId } = found;
  const all: TenantScope = { kind: "all" };
  if (advertiserId !== null) return { role, tenant: narrowScope(all, [advertiserId]) };
  // A key of no advertiser is the staff's; for any other role it opens nothing.
  return ROLE_SEES_ALL[role] ? { role, tenant: all } : null;
}

/** @throws {RestError} 403 without the scope; for what is the operator's, also for tenants. */
export function requireScope(caller: Caller, scope: Scope, operatorOnly: boolean): void {
  const allowed = roleGrants(caller.role, scope) && (!operatorOnly || ROLE_SEES_ALL[caller.role]);
  if (!allowed) throw new RestError(403, "forbidden", `needs the scope ${scope}`);
}

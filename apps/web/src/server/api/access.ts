import type { Database } from "@trueclick/db/postgres/database";
import { advertisers } from "@trueclick/db/postgres/schema/advertisers";
import { advertiserMembers, userRoles, users } from "@trueclick/db/postgres/schema/auth";
import type { TenantScope } from "@trueclick/db/tenant";
import { ROLE_SEES_ALL, type Role } from "@trueclick/shared/access";
import type { AdvertiserId } from "@trueclick/shared/ids";
import { and, eq } from "drizzle-orm";

/** Who may see what, asked anew at every call, so that a right taken away is gone at once. */
export interface Access {
  /** The one role of a user; null for a user that was given none. */
  roleOf(userId: string): Promise<Role | null>;
  /** The role of a user towards an advertiser; null for a stranger and for an unknown advertiser. */
  roleTowards(userId: string, advertiserId: AdvertiserId): Promise<Role | null>;
  /** Everything that a user of a role may see. */
  tenantOf(userId: string, role: Role): Promise<TenantScope>;
  /** By which what a user asks for is told whose it is. @throws {RangeError} for no user. */
  emailOf(userId: string): Promise<string>;
}

export function createAccess(db: Database): Access {
  const roleOf = async (userId: string) => {
    const [row] = await db
      .select({ role: userRoles.role })
      .from(userRoles)
      .where(eq(userRoles.userId, userId));
    return row?.role ?? null;
  };

  return {
    roleOf,
    emailOf: async (userId) => {
      const [row] = await db.select({ email: users.email }).from(users).where(eq(users.id, userId));
      if (row === undefined) throw new RangeError("no such user");
      return row.email;
    },
    roleTowards: async (userId, advertiserId) => {
      const role = await roleOf(userId);
      if (role === null) return null;
      const found = ROLE_SEES_ALL[role]
        ? await db.select().from(advertisers).where(eq(advertisers.id, advertiserId))
        : await db
            .select()
            .from(advertiserMembers)
            .where(
              and(
                eq(advertiserMembers.userId, userId),
                eq(advertiserMembers.advertiserId, advertiserId),
              ),
            );
      return found.length > 0 ? role : null;
    },

    tenantOf: async (userId, role) => {
      if (ROLE_SEES_ALL[role]) return { kind: "all" };
      const rows = await db
        .select({ id: advertiserMembers.advertiserId })
        .from(advertiserMembers)
        .where(eq(advertiserMembers.userId, userId));
      return { kind: "advertisers", ids: rows.map((row) => row.id) };
    },
  };
}

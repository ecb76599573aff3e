/** Sign-in: the tables of better-auth in its standard shape, and what role a user has. */
import type { Role } from "@trueclick/shared/access";
import type { AdvertiserId } from "@trueclick/shared/ids";
import { sql } from "drizzle-orm";
import { boolean, check, index, pgTable, primaryKey, text, uniqueIndex } from "drizzle-orm/pg-core";
import { advertisers } from "./advertisers.ts";
import { createdAt, instant } from "./columns.ts";

export const users = pgTable("auth_users", {
  id: text().primaryKey(),
  name: text().notNull(),
  email: text().notNull().unique(),
  emailVerified: boolean().notNull().default(false),
  image: text(),
  createdAt: createdAt(),
  updatedAt: createdAt(),
});

export const sessions = pgTable(
  "auth_sessions",
  {
    id: text().primaryKey(),
    expiresAt: instant().notNull(),
    token: text().notNull().unique(),
    createdAt: createdAt(),
    updatedAt: createdAt(),
    ipAddress: text(),
    userAgent: text(),
    userId: text()
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
  },
  (table) => [index("auth_sessions_user_idx").on(table.userId)],
);

export const accounts = pgTable(
  "auth_accounts",
  {
    id: text().primaryKey(),
    accountId: text().notNull(),
    providerId: text().notNull(),
    userId: text()
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    accessToken: text(),
    refreshToken: text(),
    idToken: text(),
    accessTokenExpiresAt: instant(),
    refreshTokenExpiresAt: instant(),
    scope: text(),
    password: text(),
    createdAt: createdAt(),
    updatedAt: createdAt(),
  },
  (table) => [uniqueIndex("auth_accounts_provider_idx").on(table.providerId, table.accountId)],
);

export const verifications = pgTable(
  "auth_verifications",
  {
    id: text().primaryKey(),
    identifier: text().notNull(),
    value: text().notNull(),
    expiresAt: instant().notNull(),
    createdAt: createdAt(),
    updatedAt: createdAt(),
  },
  (table) => [index("auth_verifications_identifier_idx").on(table.identifier)],
);

/** One role a user. A user without a row here may do nothing. */
export const userRoles = pgTable(
  "user_roles",
  {
    userId: text()
      .primaryKey()
      .references(() => users.id, { onDelete: "cascade" }),
    role: text().$type<Role>().notNull(),
  },
  (table) => [
    check(
      "user_roles_role_known",
      sql`${table.role} in ('advertiser', 'account_manager', 'engineer')`,
    ),
  ],
);

/** Which advertisers a user of the role `advertiser` may see; staff needs no rows here. */
export const advertiserMembers = pgTable(
  "advertiser_members",
  {
    userId: text()
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    advertiserId: text()
      .$type<AdvertiserId>()
      .notNull()
      .references(() => advertisers.id, { onDelete: "cascade" }),
  },
  (table) => [primaryKey({ columns: [table.userId, table.advertiserId] })],
);

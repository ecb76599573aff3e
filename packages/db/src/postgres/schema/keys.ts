import type { Role } from "@trueclick/shared/access";
import type { AdvertiserId, SourceId } from "@trueclick/shared/ids";
import { sql } from "drizzle-orm";
import { boolean, check, index, integer, pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import { advertisers } from "./advertisers.ts";
import { createdAt, instant } from "./columns.ts";

/** Who sends events: an ad server, a browser SDK, a click link. */
export const sources = pgTable("sources", {
  id: text().$type<SourceId>().primaryKey(),
  name: text().notNull(),
  /** Server to server: its word on `ip` and `user_agent` is taken instead of the connection's. */
  speaksForUsers: boolean().notNull().default(false),
  /** Clicks without a good click token get the verdict of it, not just a flag. */
  requireToken: boolean().notNull().default(false),
  /**
   * Origins of the pages that may send by this source's keys in the URL, as browsers write them
   * (`https://shop.example`), or `*`. Null: no page may.
   */
  allowedOrigins: text().array(),
  /** Only requests that are signed are taken; bearing a key is not enough. */
  requireSignature: boolean().notNull().default(false),
  /** Most events a second, on average; null: what the edge's settings say. */
  eventsPerSecond: integer(),
  createdAt: createdAt(),
});

/** What a key of the edge may do: send events; have quarantined ones judged again. */
export const KEY_SCOPES = ["events", "replay"] as const;
export type KeyScope = (typeof KEY_SCOPES)[number];

/** Keys of the edge. Only the SHA-256 of a key is kept; a key is 256 random bits, so that is enough. */
export const sourceKeys = pgTable(
  "source_keys",
  {
    id: text().primaryKey(),
    sourceId: text()
      .$type<SourceId>()
      .notNull()
      .references(() => sources.id, { onDelete: "cascade" }),
    keySha256: text().notNull().unique(),
    /**
     * Signs requests by HMAC; null for a key that only bears. As it is, since a signature cannot be
     * checked by a hash of its secret.
     */
    signingSecret: text(),
    scopes: text().array().$type<KeyScope[]>().notNull().default(sql`'{events}'`),
    /** The key that was made in its place; until it expires both are good. */
    replacedBy: text(),
    createdAt: createdAt(),
    /** Exclusive; null while it does not expire. */
    expiresAt: instant(),
    revokedAt: instant(),
  },
  (table) => [
    index("source_keys_source_idx").on(table.sourceId),
    check("source_keys_scopes_known", sql`${table.scopes} <@ '{events,replay}'::text[]`),
  ],
);

/** What signed requests were answered, for as long as their signatures are good. */
export const edgeNonces = pgTable(
  "edge_nonces",
  {
    keyId: text()
      .notNull()
      .references(() => sourceKeys.id, { onDelete: "cascade" }),
    nonce: text().notNull(),
    /** Of the body that was signed with it, hex; null where that was not noted. */
    bodySha256: text(),
    status: integer().notNull(),
    body: text().notNull(),
    /** From then on the signature is too old to be believed, and the row may go. */
    expiresAt: instant().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.keyId, table.nonce] }),
    index("edge_nonces_expiry_idx").on(table.expiresAt),
  ],
);

/** Keys of the reporting REST API. A null advertiser is the operator's own staff: sees all. */
export const apiKeys = pgTable(
  "api_keys",
  {
    id: text().primaryKey(),
    name: text().notNull(),
    keySha256: text().notNull().unique(),
    role: text().$type<Role>().notNull(),
    advertiserId: text()
      .$type<AdvertiserId>()
      .references(() => advertisers.id, { onDelete: "cascade" }),
    /** The key that was made in its place; until it expires both are good. */
    replacedBy: text(),
    createdAt: createdAt(),
    expiresAt: instant(),
    revokedAt: instant(),
  },
  (table) => [
    check(
      "api_keys_role_known",
      sql`${table.role} in ('advertiser', 'account_manager', 'engineer')`,
    ),
    // Fail closed: a key of an advertiser that names none must not exist.
    check(
      "api_keys_advertiser_named",
      sql`(${table.role} = 'advertiser') = (${table.advertiserId} is not null)`,
    ),
  ],
);

/**
 * Secrets of click tokens. As they are, since a MAC cannot be checked by a hash of its secret. Edges
 * read them again every few seconds: a new one is known to all of them before tokens are minted
 * under it, a retired one is forgotten by all of them soon after.
 */
export const tokenKeys = pgTable(
  "token_keys",
  {
    id: text().primaryKey(),
    /** Base64. */
    secret: text().notNull(),
    createdAt: createdAt(),
    retiredAt: instant(),
  },
  (table) => [check("token_keys_id_form", sql`${table.id} ~ '^[A-Za-z0-9_-]{1,32}$'`)],
);

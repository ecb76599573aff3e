/** How conversions are credited to clicks. */
import type { WindowDays } from "@trueclick/shared/attribution";
import type { AdvertiserId, CampaignId } from "@trueclick/shared/ids";
import { sql } from "drizzle-orm";
import {
  bigserial,
  char,
  check,
  date,
  index,
  integer,
  pgTable,
  primaryKey,
  text,
} from "drizzle-orm/pg-core";
import { advertisers } from "./advertisers.ts";
import { campaigns } from "./campaigns.ts";
import { createdAt, instant, recordedAt } from "./columns.ts";

/**
 * Look-back windows: rows are added, never changed. Of the rows of a scope that have begun the one that
 * was added last is in force, and the narrowest scope decides: campaign, advertiser, all.
 */
export const attributionWindows = pgTable(
  "attribution_windows",
  {
    id: bigserial({ mode: "number" }).primaryKey(),
    /** Null, like the campaign: of all advertisers. */
    advertiserId: text()
      .$type<AdvertiserId>()
      .references(() => advertisers.id),
    /** Null: of all campaigns of the advertiser. */
    campaignId: text()
      .$type<CampaignId>()
      .references(() => campaigns.id, { onDelete: "cascade" }),
    /** Days of 24 hours; null: as the wider scope has it. */
    windowDays: integer().$type<WindowDays>(),
    /** Event time of conversions, inclusive. */
    effectiveFrom: instant().notNull(),
    reason: text().notNull(),
    createdBy: text().notNull(),
    createdAt: recordedAt(),
  },
  (table) => [
    index("attribution_windows_advertiser_idx").on(table.advertiserId),
    check("attribution_windows_days", sql`${table.windowDays} in (1, 7, 30)`),
    check(
      "attribution_windows_scope",
      sql`${table.campaignId} is null or ${table.advertiserId} is not null`,
    ),
  ],
);

/**
 * Which days' valid clicks lie in `truth_clicks`, by the hash of what was judged. A cache: what is not
 * noted here, or was so long ago that the rows may be gone, is written again.
 */
export const truthClickIndexes = pgTable(
  "truth_click_indexes",
  {
    advertiserId: text()
      .$type<AdvertiserId>()
      .notNull()
      .references(() => advertisers.id),
    billingDay: date({ mode: "string" }).notNull(),
    judgedHash: char({ length: 64 }).notNull(),
    indexedAt: createdAt(),
  },
  (table) => [primaryKey({ columns: [table.advertiserId, table.billingDay, table.judgedHash] })],
);

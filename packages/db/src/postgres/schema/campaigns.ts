import type { AdId, AdvertiserId, CampaignId } from "@trueclick/shared/ids";
import { sql } from "drizzle-orm";
import { boolean, check, index, pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import { advertisers } from "./advertisers.ts";
import { big, instant, recordedAt } from "./columns.ts";

export const campaigns = pgTable(
  "campaigns",
  {
    id: text().$type<CampaignId>().primaryKey(),
    /** Never changes: hot rows and truth partitions are keyed by it. */
    advertiserId: text()
      .$type<AdvertiserId>()
      .notNull()
      .references(() => advertisers.id, { onDelete: "restrict" }),
    name: text().notNull(),
    dailyBudgetMicros: big(),
    /** Inclusive; null while it has always run. */
    startsAt: instant(),
    /** Exclusive; null while it has no planned end. */
    endsAt: instant(),
    /** The stream knows a campaign from this instant on, in the log's append time, on every replay. */
    createdAt: recordedAt(),
  },
  (table) => [
    // The campaign list shows one advertiser.
    index("campaigns_advertiser_idx").on(table.advertiserId, table.name),
    check("campaigns_ends_after_start", sql`${table.endsAt} > ${table.startsAt}`),
  ],
);

export const ads = pgTable(
  "ads",
  {
    campaignId: text()
      .$type<CampaignId>()
      .notNull()
      .references(() => campaigns.id, { onDelete: "cascade" }),
    id: text().$type<AdId>().notNull(),
    name: text().notNull(),
  },
  (table) => [primaryKey({ columns: [table.campaignId, table.id] })],
);

/** Cost per click by campaign, effective-dated. Rows are added, not changed. */
export const rateCards = pgTable(
  "rate_cards",
  {
    campaignId: text()
      .$type<CampaignId>()
      .notNull()
      .references(() => campaigns.id, { onDelete: "cascade" }),
    /** Inclusive; in force until the next row's. */
    effectiveFrom: instant().notNull(),
    /** Millionths of the advertiser's currency: 250_000n is 0.25. Never a float; it is billed. */
    cpcMicros: big().notNull(),
    /** The stream knows a rate from this instant on, like a campaign. */
    createdAt: recordedAt(),
  },
  (table) => [
    primaryKey({ columns: [table.campaignId, table.effectiveFrom] }),
    check("rate_cards_cpc_not_negative", sql`${table.cpcMicros} >= 0`),
  ],
);

/**
 * From when on a click of a campaign counts only if an impression of it was received, effective-dated.
 * Rows are added, not changed.
 */
export const impressionRequirements = pgTable(
  "impression_requirements",
  {
    campaignId: text()
      .$type<CampaignId>()
      .notNull()
      .references(() => campaigns.id, { onDelete: "cascade" }),
    /** Event time, inclusive; in force until the next row's. Before the first one none is needed. */
    effectiveFrom: instant().notNull(),
    required: boolean().notNull(),
    createdAt: recordedAt(),
  },
  (table) => [primaryKey({ columns: [table.campaignId, table.effectiveFrom] })],
);

export const CAMPAIGN_STATUSES = ["active", "paused"] as const;
export type CampaignStatus = (typeof CAMPAIGN_STATUSES)[number];

/** When campaigns were paused and went on, effective-dated. Rows are added, not changed. */
export const campaignStatuses = pgTable(
  "campaign_statuses",
  {
    campaignId: text()
      .$type<CampaignId>()
      .notNull()
      .references(() => campaigns.id, { onDelete: "cascade" }),
    /** Event time, inclusive; in force until the next row's. Before the first one it is active. */
    effectiveFrom: instant().notNull(),
    status: text().$type<CampaignStatus>().notNull(),
    reason: text().notNull(),
    createdBy: text().notNull(),
    createdAt: recordedAt(),
  },
  (table) => [primaryKey({ columns: [table.campaignId, table.effectiveFrom] })],
);

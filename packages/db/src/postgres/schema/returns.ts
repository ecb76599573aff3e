/**
 * How many users of a billing day were there on days before: made from published versions, and made again
 * when one of them changes. Reports of several days count users by it without uniting their sets.
 */
import type { AdvertiserId, CampaignId } from "@trueclick/shared/ids";
import {
  bigserial,
  date,
  foreignKey,
  integer,
  pgTable,
  primaryKey,
  text,
} from "drizzle-orm/pg-core";
import { advertisers } from "./advertisers.ts";
import { big, instant, recordedAt, whole } from "./columns.ts";

/** One version of a day beside versions of the days before it. */
export const truthReturns = pgTable(
  "truth_returns",
  {
    advertiserId: text()
      .$type<AdvertiserId>()
      .notNull()
      .references(() => advertisers.id),
    billingDay: date({ mode: "string" }).notNull(),
    version: integer().notNull(),
    /** The versions of the days before, nearest first; 0 of a day that had none. */
    compared: integer().array().notNull(),
    /** Distinct users with a valid click, of all campaigns together. */
    uniqueUsers: big().notNull(),
    /** At `n`, from 1: how many of these were there on any of the `n` days before. */
    returned: big().array().notNull(),
    /** Names its rows in `truth_slices`; null of days that were counted before there were any. */
    daySlicesId: whole(),
    madeAt: recordedAt(),
  },
  (table) => [primaryKey({ columns: [table.advertiserId, table.billingDay] })],
);

/** The same of one campaign, beside its own days. A campaign to which nobody came back has no row. */
export const truthLineReturns = pgTable(
  "truth_line_returns",
  {
    advertiserId: text().$type<AdvertiserId>().notNull(),
    billingDay: date({ mode: "string" }).notNull(),
    campaignId: text().$type<CampaignId>().notNull(),
    returned: big().array().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.advertiserId, table.billingDay, table.campaignId] }),
    foreignKey({
      columns: [table.advertiserId, table.billingDay],
      foreignColumns: [truthReturns.advertiserId, truthReturns.billingDay],
    }).onDelete("cascade"),
  ],
);

/** Whose returns a process counts, and until when others leave that to it. */
export const truthReturnClaims = pgTable("truth_return_claims", {
  advertiserId: text()
    .$type<AdvertiserId>()
    .primaryKey()
    .references(() => advertisers.id),
  claimedUntil: instant().notNull(),
});

/**
 * Slices that no day names: such as are being written, and such as were replaced. Noted before their first
 * row is written, so that what a process leaves that dies is found and removed.
 */
export const truthLeftSlices = pgTable("truth_left_slices", {
  id: bigserial({ mode: "number" }).primaryKey(),
  advertiserId: text()
    .$type<AdvertiserId>()
    .notNull()
    .references(() => advertisers.id),
  billingDay: date({ mode: "string" }).notNull(),
  leftAt: recordedAt(),
});

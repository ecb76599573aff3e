import type { AdvertiserId } from "@trueclick/shared/ids";
import { sql } from "drizzle-orm";
import { char, check, integer, pgTable, text } from "drizzle-orm/pg-core";
import { createdAt } from "./columns.ts";

/** Advertisers: the tenants. Zone and currency decide what a billing day and a bill are. */
export const advertisers = pgTable(
  "advertisers",
  {
    id: text().$type<AdvertiserId>().primaryKey(),
    name: text().notNull(),
    /** IANA name. A billing day is a calendar day there. */
    timeZone: text().notNull(),
    /** ISO 4217, upper case. */
    currency: char({ length: 3 }).notNull(),
    /** How long after local midnight a day stays open for late events and decisions. */
    settlingHours: integer().notNull().default(72),
    createdAt: createdAt(),
  },
  (table) => [
    check("advertisers_settling_not_negative", sql`${table.settlingHours} >= 0`),
    check("advertisers_currency_upper_case", sql`${table.currency} = upper(${table.currency})`),
  ],
);

/** What the watch over drift has found: which differences have no cause, and when it last looked. */
import { sql } from "drizzle-orm";
import { check, index, pgTable, primaryKey, smallint, text } from "drizzle-orm/pg-core";
import { big, instant, whole } from "./columns.ts";

/** Campaigns and hours whose difference no cause explains, as of the last look at them. */
export const driftUnexplained = pgTable(
  "drift_unexplained",
  {
    campaignId: text().notNull(),
    advertiserId: text().notNull(),
    /** Start of the UTC hour of event time. */
    eventHour: instant().notNull(),
    stream: big().notNull(),
    truth: big().notNull(),
    /** Signed: positive where the stream counted more. Never 0. */
    unexplained: big().notNull(),
    /** When it was first seen without a cause, and last. */
    firstSeenAt: instant().notNull(),
    seenAt: instant().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.campaignId, table.eventHour] }),
    index("drift_unexplained_hour_idx").on(table.eventHour),
    check("drift_unexplained_not_zero", sql`${table.unexplained} <> 0`),
  ],
);

/** The one row of the watch itself: which process looks next, and at what. */
export const driftWatch = pgTable(
  "drift_watch",
  {
    id: smallint().primaryKey(),
    /** When a look was last begun; a process that dies in one leaves it to the next interval. */
    startedAt: instant().notNull(),
    /** How many looks were begun: decides which older day each takes along. */
    looks: whole().notNull(),
    /** When one last came to its end; null before any did. */
    checkedAt: instant(),
  },
  (table) => [check("drift_watch_one_row", sql`${table.id} = 1`)],
);

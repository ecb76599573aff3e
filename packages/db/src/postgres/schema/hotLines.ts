import {
  boolean,
  index,
  integer,
  pgSequence,
  pgTable,
  primaryKey,
  text,
} from "drizzle-orm/pg-core";
import { big, instant, recordedAt } from "./columns.ts";

/** Numbers the readings that lines are made of: of two, the later one has the higher number. */
export const hotLineReadings = pgSequence("hot_line_readings");

/** Whether the lines of an hour are there, are more than are kept, or could not be read: to be tried again. */
const LINE_STATES = ["kept", "too_many", "failed"] as const;

/** Hours of event time by what is known of their lines, each of one reading. */
export const hotLineHours = pgTable("hot_line_hours", {
  /** Start of the UTC hour. */
  eventHour: instant().primaryKey(),
  /** The reading; one with a lower number never takes its place. */
  reading: big().notNull(),
  state: text({ enum: LINE_STATES }).notNull(),
  /** Lines of advertisers, which a question about all of them reads. */
  advertiserLines: integer().notNull(),
  writtenAt: recordedAt(),
});

/**
 * What the hot store says of an hour that has closed, by campaign and by advertiser: a copy, so that series
 * are read without the engine. Sorted by hour, since an hour is written as a whole.
 */
export const hotLines = pgTable(
  "hot_lines",
  {
    eventHour: instant().notNull(),
    /** Whether it is the line of a campaign; else of all campaigns of an advertiser. */
    ofCampaign: boolean().notNull(),
    advertiserId: text().notNull(),
    /** Empty in the line of an advertiser. */
    campaignId: text().notNull(),
    clicks: big().notNull(),
    invalidClicks: big().notNull(),
    /** Those of the invalid clicks that are GIVT by the stream's evidence. */
    givtClicks: big().notNull(),
    duplicateClicks: big().notNull(),
    impressions: big().notNull(),
    conversions: big().notNull(),
    costMicros: big().notNull(),
    /** Null: not known. */
    uniqueUsers: big(),
  },
  (table) => [
    primaryKey({
      columns: [table.eventHour, table.ofCampaign, table.advertiserId, table.campaignId],
    }),
    // A series of one advertiser would look for each of its hours anew.
    index("hot_lines_by_advertiser").on(table.advertiserId, table.ofCampaign, table.eventHour),
  ],
);

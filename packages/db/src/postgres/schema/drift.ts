/** What the watch over drift has found: which differences have no cause, what settled hours come to, and when it last looked. */
import { sql } from "drizzle-orm";
import {
  check,
  date,
  index,
  jsonb,
  pgSequence,
  pgTable,
  primaryKey,
  smallint,
  text,
} from "drizzle-orm/pg-core";
import { big, instant, recordedAt, whole } from "./columns.ts";

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

/** Days before the newest hours that were looked at because something of them had changed. */
export const driftDays = pgTable("drift_days", {
  /** Of UTC. */
  day: date({ mode: "string" }).primaryKey(),
  /** The versions of truth and the hours counted again that it had before the look. */
  state: text().notNull(),
  lookedAt: recordedAt(),
});

/** Numbers the readings that lines of drift are made of: of two, the later one has the higher number. */
export const driftReadingNumbers = pgSequence("drift_reading_numbers");

/** Readings of both sides that lines were kept of. */
export const driftReadings = pgTable("drift_readings", {
  id: big().primaryKey(),
  /** How far the stream had read by then: its next offset by partition. Lines hold as long as it is no less. */
  streamNext: jsonb().$type<Readonly<Record<string, string>>>().notNull(),
  takenAt: recordedAt(),
});

/** Hours of an advertiser of which there are lines of drift, each of one reading. */
export const driftHours = pgTable(
  "drift_hours",
  {
    advertiserId: text().notNull(),
    /** Start of the UTC hour of event time. */
    eventHour: instant().notNull(),
    /** One with a lower number never takes its place. */
    reading: big().notNull(),
    /** All else that the lines depend on: builds of truth, and when the hour was counted again. */
    asOf: text().notNull(),
    /** Of the lines, so that those which are the same are not written again. */
    linesSha256: text().notNull(),
  },
  (table) => [primaryKey({ columns: [table.advertiserId, table.eventHour] })],
);

/** Both sides of a campaign and hour that are compared no more as long as `drift_hours` is as of now. */
export const driftLines = pgTable(
  "drift_lines",
  {
    advertiserId: text().notNull(),
    eventHour: instant().notNull(),
    campaignId: text().notNull(),
    stream: whole().notNull(),
    truth: whole().notNull(),
    /**
     * Events that one side alone counted: why the stream did not, why truth does not bill, how many. Null:
     * they have to be read.
     */
    differences: jsonb().$type<readonly (readonly [string, string, number])[]>(),
  },
  (table) => [primaryKey({ columns: [table.advertiserId, table.eventHour, table.campaignId] })],
);

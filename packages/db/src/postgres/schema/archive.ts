import { sql } from "drizzle-orm";
import { char, check, index, integer, pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import { big, createdAt, instant, whole } from "./columns.ts";

/** How far the archive has read each partition of the log. */
export const archiveCheckpoints = pgTable(
  "archive_checkpoints",
  {
    topic: text().notNull(),
    partition: integer().notNull(),
    epoch: big().notNull(),
    nextOffset: big().notNull(),
    /** Where the archive of the partition begins; null where that was not noted. */
    startOffset: big(),
    updatedAt: createdAt(),
  },
  (table) => [primaryKey({ columns: [table.topic, table.partition] })],
);

/**
 * Stretches of the log that are archived: gapless and without overlap in each partition. One
 * stretch became one object per event hour that it held.
 */
export const archiveStretches = pgTable(
  "archive_stretches",
  {
    topic: text().notNull(),
    partition: integer().notNull(),
    firstOffset: big().notNull(),
    /** Inclusive. */
    lastOffset: big().notNull(),
    /** Events in the stretch; the rows of its objects must add up to it. */
    events: big().notNull(),
    /** Highest append time in it, epoch milliseconds; null where that was not noted. */
    newestAppendMs: whole(),
    createdAt: createdAt(),
  },
  (table) => [
    primaryKey({ columns: [table.topic, table.partition, table.firstOffset] }),
    check("archive_stretches_not_empty", sql`${table.lastOffset} >= ${table.firstOffset}`),
  ],
);

/**
 * The manifest: every immutable object of the archive. One from the log holds one event hour of one
 * stretch. Small ones of an hour and partition are compacted into one, whose offsets run from the
 * first one's to the last one's; their rows stay here. Whoever reads events reads the rows that are
 * not compacted into another: each event lies in exactly one of those.
 */
export const archiveObjects = pgTable(
  "archive_objects",
  {
    /** Name in the object store, derived from hour, partition and offsets. */
    path: text().primaryKey(),
    topic: text().notNull(),
    partition: integer().notNull(),
    firstOffset: big().notNull(),
    /** Inclusive. */
    lastOffset: big().notNull(),
    /** Start of the UTC hour of event time that all its rows lie in. */
    eventHour: instant().notNull(),
    rows: big().notNull(),
    bytes: big().notNull(),
    sha256: char({ length: 64 }).notNull(),
    /** Objects from the log whose rows it holds; 0 of one that is from the log itself. */
    mergedObjects: integer().notNull().default(0),
    /** Path of the object that took its rows over. */
    compactedInto: text(),
    /** When its bytes were removed, which only those of a compacted object may be. */
    removedAt: instant(),
    /** When its ids and tokens were looked up among those of all other event hours. */
    copiesSearchedAt: instant(),
    createdAt: createdAt(),
  },
  (table) => [
    index("archive_objects_unsearched_idx")
      .on(table.topic)
      .where(sql`${table.copiesSearchedAt} is null and ${table.compactedInto} is null`),
    // Truth asks for the objects of the hours of a day.
    index("archive_objects_hour_idx").on(table.topic, table.eventHour),
    check("archive_objects_rows_positive", sql`${table.rows} > 0`),
    check(
      "archive_objects_removed_compacted",
      sql`${table.removedAt} is null or ${table.compactedInto} is not null`,
    ),
  ],
);

/** Asks the archive to write what it holds now, instead of at the end of its interval. */
export const archiveFlushRequests = pgTable("archive_flush_requests", {
  topic: text().primaryKey(),
  requestedAt: instant().notNull(),
});

import { sql } from "drizzle-orm";
import { check, integer, pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import { big, createdAt, instant, recordedAt, whole } from "./columns.ts";

/** Where the stream is in each partition of the log, written after every flush. */
export const streamCheckpoints = pgTable(
  "stream_checkpoints",
  {
    topic: text().notNull(),
    partition: integer().notNull(),
    /** Raised by each new owner; a commit under an older one is refused, so a zombie moves nothing. */
    epoch: big().notNull(),
    /** The offset of the next record to count. */
    nextOffset: big().notNull(),
    /** The lowest offset that any open window needs: a restart re-reads from here. */
    restartOffset: big().notNull(),
    /** Epoch milliseconds of the log's append time, less the allowed lateness; null before any. */
    watermarkMs: whole(),
    /** Highest append time seen, epoch milliseconds. */
    appendTimeMs: whole(),
    /** Degradation level, 0 to 3. */
    level: integer().notNull().default(0),
    /** Events seen so far by outcome, the stream's side of invariant I2. */
    countedTotal: big().notNull().default(sql`0`),
    duplicateTotal: big().notNull().default(sql`0`),
    invalidTotal: big().notNull().default(sql`0`),
    lateTotal: big().notNull().default(sql`0`),
    updatedAt: createdAt(),
  },
  (table) => [
    primaryKey({ columns: [table.topic, table.partition] }),
    check("stream_checkpoints_restart_first", sql`${table.restartOffset} <= ${table.nextOffset}`),
  ],
);

/** Why the hot store of an hour says less than the log does, until a backfill has healed it. */
export const DIRTY_CAUSES = ["late", "degraded", "expired", "rebalance"] as const;

/** Hours of event time that the hot store must be given again from the archive. */
export const streamDirtyHours = pgTable(
  "stream_dirty_hours",
  {
    topic: text().notNull(),
    eventHour: instant().notNull(),
    cause: text({ enum: DIRTY_CAUSES }).notNull(),
    /** Of the last mark, where one partition alone caused it. */
    partition: integer(),
    /** The archive must have passed it there before the hour can be healed. */
    offsetFrom: big(),
    /** Of the last mark: one that is newer than a backfill's start calls for another. */
    markedAt: recordedAt(),
    healedAt: instant(),
  },
  (table) => [primaryKey({ columns: [table.topic, table.eventHour, table.cause] })],
);

/**
 * How each partition is counted, from an offset on. A replay from any offset reads it, and so
 * counts as the first reading did. Written with the checkpoint, before any row that depends on it.
 */
export const streamLevelChanges = pgTable(
  "stream_level_changes",
  {
    topic: text().notNull(),
    partition: integer().notNull(),
    /** The first record that is counted so. */
    offsetFrom: big().notNull(),
    /** Degradation level, 0 to 3. */
    level: integer().notNull(),
    allowedLatenessMs: whole().notNull(),
    /** What was observed, in words for whoever is on call. */
    cause: text().notNull(),
    changedAt: recordedAt(),
  },
  (table) => [
    primaryKey({ columns: [table.topic, table.partition, table.offsetFrom] }),
    check("stream_level_changes_level", sql`${table.level} between 0 and 3`),
  ],
);

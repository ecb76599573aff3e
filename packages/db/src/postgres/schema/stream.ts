import { sql } from "drizzle-orm";
import {
  bigserial,
  boolean,
  check,
  index,
  integer,
  pgTable,
  primaryKey,
  text,
} from "drizzle-orm/pg-core";
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
    /**
     * There may be rows of records before it, by whichever owner, and there are none of later ones:
     * moved before they are written. Null: nobody has said so yet.
     */
    announcedOffset: big(),
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

/**
 * Why the hot store of an hour says less than the log does, until a backfill has healed it. Nobody
 * marks an hour as `rebalance`; open marks of it, of versions that did, are healed all the same.
 */
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

/** How far hours of the hot store stand in for its minutes. Readers change over here. */
export const hotRollups = pgTable("hot_rollups", {
  topic: text().primaryKey(),
  /** Every hour before it is in `hot_hours`, as far as it was counted. */
  rolledThrough: instant().notNull(),
  updatedAt: recordedAt(),
});

/** Hours of the hot store that were counted again from the archive, and why. */
export const streamBackfills = pgTable(
  "stream_backfills",
  {
    id: bigserial({ mode: "number" }).primaryKey(),
    topic: text().notNull(),
    eventHour: instant().notNull(),
    /** What had made the hour dirty. */
    causes: text().array().notNull(),
    /** Events that were read again. */
    events: big().notNull(),
    /** Events of which it found other than the stream: mostly late ones, counted after all. */
    corrected: big().notNull(),
    startedAt: instant().notNull(),
    finishedAt: recordedAt(),
  },
  (table) => [
    // The newest are shown; and when an hour was last healed decides when it is again.
    index("stream_backfills_hour_idx").on(table.topic, table.eventHour, table.finishedAt),
  ],
);

/**
 * Hours that a backfill is at, from before its first row to when it records the end of its work: counts and
 * evidence of them are not of one moment. One that died leaves its hour here, until the next has ended.
 */
export const streamRecounts = pgTable(
  "stream_recounts",
  {
    topic: text().notNull(),
    eventHour: instant().notNull(),
    startedAt: recordedAt(),
  },
  (table) => [primaryKey({ columns: [table.topic, table.eventHour] })],
);

/** Stretches of the log that expired before the stream had read them. */
export const streamGaps = pgTable(
  "stream_gaps",
  {
    topic: text().notNull(),
    partition: integer().notNull(),
    /** What the stream would have read next. */
    offsetFrom: big().notNull(),
    /** Exclusive: where the log begins now, and the stream went on. */
    offsetTo: big().notNull(),
    /** Event hours of the stretch that the archive holds, and that are counted again from it. */
    hours: integer().notNull(),
    /** Whether the archive holds all of the stretch. What neither has is lost to the hot store. */
    archived: boolean().notNull(),
    /**
     * Once the archive has come here, all hours of what lies before it are marked; null: they are, or
     * none need be. Set where the archive lacked some of the stretch, or its append times.
     */
    unsureUntil: big(),
    foundAt: recordedAt(),
  },
  (table) => [primaryKey({ columns: [table.topic, table.partition, table.offsetFrom] })],
);

import { sql } from "drizzle-orm";
import { check, integer, pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import { big, createdAt, whole } from "./columns.ts";

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

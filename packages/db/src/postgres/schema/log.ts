import { integer, pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import { big, instant, recordedAt } from "./columns.ts";

/**
 * The topics that checkpoints, the archive and evidence are of, as the log tells them from others of the same
 * name. Whoever restores a log from the archive into a new topic deletes the row.
 */
export const logTopics = pgTable("log_topics", {
  topic: text().primaryKey(),
  topicId: text().notNull(),
  firstSeenAt: recordedAt(),
});

/**
 * Where each partition of the log ended when somebody asked it last: for those who cannot, and for what the
 * archive may be said to have read of a partition that takes nothing.
 */
export const logEndsSeen = pgTable(
  "log_ends",
  {
    topic: text().notNull(),
    partition: integer().notNull(),
    /** The offset that its next record gets. */
    endOffset: big().notNull(),
    /** Before the log was asked: all that it had taken by then lies before the end. */
    seenAt: instant().notNull(),
  },
  (table) => [primaryKey({ columns: [table.topic, table.partition] })],
);

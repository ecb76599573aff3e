import { pgTable, text } from "drizzle-orm/pg-core";
import { recordedAt } from "./columns.ts";

/**
 * The topics that checkpoints, the archive and evidence are of, as the log tells them from others of the same
 * name. Whoever restores a log from the archive into a new topic deletes the row.
 */
export const logTopics = pgTable("log_topics", {
  topic: text().primaryKey(),
  topicId: text().notNull(),
  firstSeenAt: recordedAt(),
});

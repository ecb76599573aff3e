import type { Database } from "@trueclick/db/postgres/database";
import { logTopics } from "@trueclick/db/postgres/schema/log";
import { eq } from "drizzle-orm";

/** Which topic checkpoints and the archive are of. */
export interface TopicIds {
  /** The id of the topic that was read first; from the first call on, that one. */
  firstSeen(topicId: string): Promise<string>;
}

/** Keeps it in `log_topics`. It never changes once it is there, so it is read once. */
export function createPostgresTopicIds(db: Database, topic: string): TopicIds {
  let known: string | null = null;
  return {
    async firstSeen(topicId) {
      if (known !== null) return known;
      await db.insert(logTopics).values({ topic, topicId }).onConflictDoNothing();
      const [row] = await db.select().from(logTopics).where(eq(logTopics.topic, topic));
      if (row === undefined) throw new Error(`topic "${topic}" has no row in log_topics`);
      known = row.topicId;
      return known;
    },
  };
}

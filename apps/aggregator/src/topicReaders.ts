import type { Database } from "@trueclick/db/postgres/database";
import { type EventLog, type TopicReader, UnknownTopicError } from "@trueclick/event-log";
import type { Logger } from "pino";
import type { Registry } from "prom-client";
import { sameTopicReader } from "./sameTopic.ts";
import { createTopicAlarms } from "./topicAlarms.ts";
import { createPostgresTopicIds } from "./topicIds.ts";

/** For a role whose checkpoints would mean other records of another topic of the same name. */
export function readerOfOneTopic(
  reader: TopicReader,
  {
    role,
    db,
    registry,
    logger,
  }: {
    readonly role: string;
    readonly db: Database;
    readonly registry: Registry;
    readonly logger: Logger;
  },
): TopicReader {
  const ids = createPostgresTopicIds(db, reader.topic);
  const observer = createTopicAlarms(registry, role, logger.child({ role }));
  return sameTopicReader({ reader, ids, observer, nowMs: () => performance.now() });
}

/** An edge makes the quarantine's topic too; who is first must not have to wait for the other. */
export async function openOrMakeTopic(log: EventLog, topic: string): Promise<TopicReader> {
  try {
    return await log.reader(topic);
  } catch (error) {
    // Only then: of a topic that is there, `ensureTopic` would reset the retention.
    if (!(error instanceof UnknownTopicError)) throw error;
    const admin = log.admin();
    try {
      await admin.ensureTopic(topic, { partitionCount: 1, retentionMs: null });
    } finally {
      await admin.close();
    }
    return await log.reader(topic);
  }
}

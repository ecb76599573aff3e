import type { Database } from "@trueclick/db/postgres/database";
import { noteLogEnds } from "@trueclick/db/queries/logEnds";
import type { TopicReader } from "@trueclick/event-log";
import { SECOND_MS } from "@trueclick/shared/time";
import { delay } from "./delay.ts";

/** So old may be what is known of where the log ends. */
const LOOK_INTERVAL_MS = 5 * SECOND_MS;

interface Watch {
  readonly reader: Pick<TopicReader, "topic" | "endOffsets">;
  readonly db: Database;
  /** What the watch needs of pino. */
  readonly logger: { warn(details: object, message: string): void };
  readonly intervalMs?: number;
}

/**
 * Writes down where the log ends, again and again until told to stop: for those who cannot ask it, and
 * because a partition that takes nothing tells in no other way that it was read. A log that is away, or
 * another one than is archived, is asked again; what was known of it grows old.
 */
export async function watchLogEnds(
  { reader, db, logger, intervalMs = LOOK_INTERVAL_MS }: Watch,
  stopping: AbortSignal,
): Promise<void> {
  while (!stopping.aborted) {
    await noteLogEnds({ db }, reader.topic, () => reader.endOffsets()).catch((error: unknown) => {
      logger.warn({ err: error }, "could not ask the log where it ends; trying again");
    });
    await delay(intervalMs, stopping);
  }
}

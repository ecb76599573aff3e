import type { Database } from "@trueclick/db/postgres/database";
import type { EventLogReader } from "@trueclick/event-log";
import type { Logger } from "pino";
import { createPostgresQuarantineStore } from "./adapters/postgresQuarantineStore.ts";
import { runQuarantine } from "./pipeline/runQuarantine.ts";

export interface QuarantineDependencies {
  readonly reader: EventLogReader;
  readonly db: Database;
  readonly settings: { readonly retentionMs: number };
  readonly logger: Logger;
}

/** Runs the quarantine role until aborted. */
export function composeQuarantine(
  { reader, db, settings, logger }: QuarantineDependencies,
  stopping: AbortSignal,
): Promise<void> {
  return runQuarantine(
    {
      reader,
      store: createPostgresQuarantineStore(db, reader.topic),
      retentionMs: settings.retentionMs,
      nowMs: () => Date.now(),
      onFault: (error) => logger.warn({ err: error }, "the quarantine is not brought to its store"),
      // Only where it lies: its bytes are a stranger's.
      onUnreadable: ({ partition, offset }) =>
        logger.warn(
          { partition, offset: `${offset}` },
          "a record of the quarantine is none of ours",
        ),
    },
    stopping,
  );
}

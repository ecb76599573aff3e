/**
 * The event log in PostgreSQL 16 or later: the default of the embedded stack. It lives in a schema
 * of its own, `event_log`, which `ensureTopic` creates. Blocks are kept as zstd frames.
 *
 * Acks are worth what the server's disk is worth: the adapter insists on `synchronous_commit`, but
 * cannot undo `fsync = off`.
 */

import type { EventLog } from "../port.ts";
import { createPostgresAdmin } from "./postgresAdmin.ts";
import { openPostgresAppender } from "./postgresAppender.ts";
import { openPostgresReader } from "./postgresReader.ts";

const APPEND_TIMEOUT_MS = 10_000;

export interface PostgresEventLogOptions {
  readonly connectionString: string;
  /** An append not acked after this long fails with `LogUnavailableError`. Default 10 s. */
  readonly appendTimeoutMs?: number;
}

/** Every part opened has connections of its own (admin 1 during a call, appender 2, reader 4 at most). */
export function createPostgresEventLog(options: PostgresEventLogOptions): EventLog {
  const { connectionString, appendTimeoutMs = APPEND_TIMEOUT_MS } = options;
  return {
    admin: () => createPostgresAdmin(connectionString),
    appender: (topic) => openPostgresAppender(connectionString, topic, appendTimeoutMs),
    reader: (topic) => openPostgresReader(connectionString, topic),
  };
}

import type { Database } from "@trueclick/db/postgres/database";
import { archiveFlushRequests } from "@trueclick/db/postgres/schema/archive";
import { eq, sql } from "drizzle-orm";
import type { FlushRequests } from "../ports/flushRequests.ts";

/** Reads the wishes that `batch run` leaves in `archive_flush_requests`. */
export function createPostgresFlushRequests(db: Database, topic: string): FlushRequests {
  return {
    async latest() {
      const [request] = await db
        // As text: a `Date` would take two wishes of one millisecond for one.
        .select({ requestedAt: sql<string>`${archiveFlushRequests.requestedAt}::text` })
        .from(archiveFlushRequests)
        .where(eq(archiveFlushRequests.topic, topic));
      return request?.requestedAt ?? null;
    },
  };
}

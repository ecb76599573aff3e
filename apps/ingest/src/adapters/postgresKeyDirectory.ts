import type { Database } from "@trueclick/db/postgres/database";
import { sourceKeys, sources } from "@trueclick/db/postgres/schema/keys";
import { and, eq, isNull, sql } from "drizzle-orm";
import { type KeyDirectory, KeyDirectoryUnavailableError } from "../ports/keyDirectory.ts";

/** Keys as they are on record in Postgres. */
export function createPostgresKeyDirectory(db: Database): KeyDirectory {
  return {
    async find(keySha256) {
      const [row] = await db
        .select({
          id: sources.id,
          speaksForUsers: sources.speaksForUsers,
          requireToken: sources.requireToken,
          expiresAt: sourceKeys.expiresAt,
        })
        .from(sourceKeys)
        .innerJoin(sources, eq(sources.id, sourceKeys.sourceId))
        .where(and(eq(sourceKeys.keySha256, keySha256), isNull(sourceKeys.revokedAt)))
        .catch(unavailable);
      if (row === undefined) return null;
      const { expiresAt, ...source } = row;
      return { source, expiresAtMs: expiresAt === null ? null : expiresAt.getTime() };
    },
    async ping() {
      await db.execute(sql`select 1 from ${sourceKeys} limit 1`).catch(unavailable);
    },
  };
}

function unavailable(cause: unknown): never {
  throw new KeyDirectoryUnavailableError("Postgres did not answer about keys", { cause });
}

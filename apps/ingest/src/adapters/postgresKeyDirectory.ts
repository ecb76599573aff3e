import type { Database } from "@trueclick/db/postgres/database";
import { sourceKeys, sources } from "@trueclick/db/postgres/schema/keys";
import { and, eq, isNotNull, isNull, sql } from "drizzle-orm";
import {
  type KeyDirectory,
  KeyDirectoryUnavailableError,
  SIGNING_KEY_PREFIX,
} from "../ports/keyDirectory.ts";

/** Keys as they are on record in Postgres. */
export function createPostgresKeyDirectory(db: Database): KeyDirectory {
  const about = {
    id: sources.id,
    speaksForUsers: sources.speaksForUsers,
    requireToken: sources.requireToken,
    expiresAt: sourceKeys.expiresAt,
  };
  const bearer = (keySha256: string) =>
    db
      .select({ ...about, signingSecret: sql<null>`null` })
      .from(sourceKeys)
      .innerJoin(sources, eq(sources.id, sourceKeys.sourceId))
      .where(and(eq(sourceKeys.keySha256, keySha256), isNull(sourceKeys.revokedAt)));
  const signing = (keyId: string) => {
    const signs = and(eq(sourceKeys.id, keyId), isNotNull(sourceKeys.signingSecret));
    return db
      .select({ ...about, signingSecret: sourceKeys.signingSecret })
      .from(sourceKeys)
      .innerJoin(sources, eq(sources.id, sourceKeys.sourceId))
      .where(and(signs, isNull(sourceKeys.revokedAt)));
  };
  return {
    async find(lookup) {
      const rows = lookup.startsWith(SIGNING_KEY_PREFIX)
        ? await signing(lookup.slice(SIGNING_KEY_PREFIX.length)).catch(unavailable)
        : await bearer(lookup).catch(unavailable);
      const [row] = rows;
      if (row === undefined) return null;
      const { expiresAt, signingSecret, ...source } = row;
      return {
        source,
        signingSecret,
        expiresAtMs: expiresAt === null ? null : expiresAt.getTime(),
      };
    },
    async ping() {
      await db.execute(sql`select 1 from ${sourceKeys} limit 1`).catch(unavailable);
    },
  };
}

function unavailable(cause: unknown): never {
  throw new KeyDirectoryUnavailableError("Postgres did not answer about keys", { cause });
}

import type { Database } from "@trueclick/db/postgres/database";
import { sourceKeys, sources } from "@trueclick/db/postgres/schema/keys";
import { and, eq, isNotNull, isNull, type SQL, sql } from "drizzle-orm";
import {
  type KeyDirectory,
  KeyDirectoryUnavailableError,
  PAGE_KEY_PREFIX,
  SIGNING_KEY_PREFIX,
} from "../ports/keyDirectory.ts";

/** Keys as they are on record in Postgres. What a lookup does not ask for is not read. */
export function createPostgresKeyDirectory(db: Database): KeyDirectory {
  return {
    async find(lookup) {
      const [row] = await selectKey(db, toQuestion(lookup)).catch(unavailable);
      if (row === undefined) return null;
      const { expiresAt, signingSecret, allowedOrigins, ...rest } = row;
      const { keyId, scopes, requireSignature, ...source } = rest;
      const expiresAtMs = expiresAt === null ? null : expiresAt.getTime();
      const trust = { scopes, requireSignature, signingSecret, allowedOrigins, expiresAtMs };
      return { id: keyId, source, ...trust };
    },
    async findSource(sourceId) {
      const isIt = eq(sources.id, sourceId);
      const [row] = await db.select(SOURCE_COLUMNS).from(sources).where(isIt).catch(unavailable);
      return row ?? null;
    },
    async ping() {
      await db.execute(sql`select 1 from ${sourceKeys} limit 1`).catch(unavailable);
    },
  };
}

const SOURCE_COLUMNS = {
  id: sources.id,
  speaksForUsers: sources.speaksForUsers,
  requireToken: sources.requireToken,
  eventsPerSecond: sources.eventsPerSecond,
};

interface Question {
  readonly condition: SQL | undefined;
  readonly signingSecret: SQL<string | null>;
  readonly allowedOrigins: SQL<string[] | null>;
}

function toQuestion(lookup: string): Question {
  const unasked = { signingSecret: sql<null>`null`, allowedOrigins: sql<null>`null` };
  if (lookup.startsWith(SIGNING_KEY_PREFIX)) {
    const isKey = eq(sourceKeys.id, lookup.slice(SIGNING_KEY_PREFIX.length));
    const condition = and(isKey, isNotNull(sourceKeys.signingSecret));
    return { ...unasked, condition, signingSecret: sql`${sourceKeys.signingSecret}` };
  }
  if (lookup.startsWith(PAGE_KEY_PREFIX)) {
    const isKey = eq(sourceKeys.keySha256, lookup.slice(PAGE_KEY_PREFIX.length));
    const isPages = and(isNotNull(sources.allowedOrigins), eq(sources.speaksForUsers, false));
    const condition = and(isKey, isPages);
    return { ...unasked, condition, allowedOrigins: sql`${sources.allowedOrigins}` };
  }
  return { ...unasked, condition: eq(sourceKeys.keySha256, lookup) };
}

function selectKey(db: Database, { condition, signingSecret, allowedOrigins }: Question) {
  return db
    .select({
      ...{ signingSecret, allowedOrigins },
      ...SOURCE_COLUMNS,
      keyId: sourceKeys.id,
      scopes: sourceKeys.scopes,
      requireSignature: sources.requireSignature,
      expiresAt: sourceKeys.expiresAt,
    })
    .from(sourceKeys)
    .innerJoin(sources, eq(sources.id, sourceKeys.sourceId))
    .where(and(condition, isNull(sourceKeys.revokedAt)));
}

function unavailable(cause: unknown): never {
  throw new KeyDirectoryUnavailableError("Postgres did not answer about keys", { cause });
}

/** All keys at a glance, and their succession. */
import { randomUUID } from "node:crypto";
import type { Database } from "@trueclick/db/postgres/database";
import { apiKeys, sourceKeys, sources } from "@trueclick/db/postgres/schema/keys";
import { and, asc, eq, gt, isNull, or, sql } from "drizzle-orm";
import { CliError } from "../terminal/errors.ts";
import type { CreatedKey } from "./createKeys.ts";
import { createKey, sha256Hex } from "./hash.ts";

export interface ListedKey {
  readonly id: string;
  readonly kind: "source" | "api";
  /** The source, or what the key of the API is called. */
  readonly of: string;
  readonly traits: readonly string[];
  readonly state: "good" | "expired" | "revoked";
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly replacedBy: string | null;
}

/** Every key of both kinds, oldest first. Secrets and hashes are not among it. */
export async function listKeys(db: Database): Promise<ListedKey[]> {
  const ofSources = await db
    .select()
    .from(sourceKeys)
    .innerJoin(sources, eq(sources.id, sourceKeys.sourceId))
    .orderBy(asc(sourceKeys.createdAt));
  const ofApi = await db.select().from(apiKeys).orderBy(asc(apiKeys.createdAt));
  return [
    ...ofSources.map(({ source_keys: key, sources: source }) => ({
      ...factsOf(key),
      kind: "source" as const,
      of: source.id,
      traits: [
        ...key.scopes,
        ...(source.speaksForUsers ? ["speaks-for-users"] : []),
        ...(source.requireToken ? ["require-token"] : []),
        ...(source.requireSignature ? ["require-signature"] : []),
        ...(key.signingSecret === null ? [] : ["signs"]),
      ],
    })),
    ...ofApi.map((key) => ({
      ...factsOf(key),
      kind: "api" as const,
      of: key.name,
      traits: [key.role, ...(key.advertiserId === null ? [] : [key.advertiserId])],
    })),
  ];
}

export interface RotatedKey extends CreatedKey {
  readonly oldExpiresAt: Date;
}

/**
 * Makes a key in the place of another one, which stays good for a while, so that its holders change
 * over without a gap. A key that is known to strangers is to be revoked instead.
 *
 * @param graceS How long the old one is still good, seconds; never longer than it was.
 * @throws {CliError} `not_found` if no key in force has that id; `replaced` if it was rotated.
 */
export async function rotateKey(db: Database, id: string, graceS: number): Promise<RotatedKey> {
  return await db.transaction(async (transaction) => {
    const nextId = randomUUID();
    const until = sql`least(expires_at, now() + make_interval(secs => ${graceS}))`;
    const old = { replacedBy: nextId, expiresAt: until };
    const [source] = await transaction
      .update(sourceKeys)
      .set(old)
      .where(and(eq(sourceKeys.id, id), inForce(sourceKeys)))
      .returning();
    if (source !== undefined) {
      const key = createKey("source");
      const signingSecret = source.signingSecret === null ? null : createKey("signing");
      const { sourceId, scopes } = source;
      await transaction
        .insert(sourceKeys)
        .values({ id: nextId, sourceId, scopes, signingSecret, keySha256: sha256Hex(key) });
      return { id: nextId, key, signingSecret, oldExpiresAt: expiryOf(source) };
    }
    const [api] = await transaction
      .update(apiKeys)
      .set(old)
      .where(and(eq(apiKeys.id, id), inForce(apiKeys)))
      .returning();
    if (api === undefined) {
      throw new CliError("not_found", `No key in force, and not replaced yet, has the id ${id}`);
    }
    const key = createKey("api");
    const { name, role, advertiserId } = api;
    await transaction
      .insert(apiKeys)
      .values({ id: nextId, name, role, advertiserId, keySha256: sha256Hex(key) });
    return { id: nextId, key, signingSecret: null, oldExpiresAt: expiryOf(api) };
  });
}

/** Neither revoked, nor expired, nor replaced: two successors of one key would be one too many. */
function inForce({ revokedAt, expiresAt, replacedBy }: typeof sourceKeys | typeof apiKeys) {
  const isLive = or(isNull(expiresAt), gt(expiresAt, sql`now()`));
  return and(isNull(revokedAt), isLive, isNull(replacedBy));
}

function expiryOf({ expiresAt }: { readonly expiresAt: Date | null }): Date {
  if (expiresAt === null) throw new Error("A key that was replaced has no end");
  return expiresAt;
}

function factsOf(key: {
  readonly id: string;
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
  readonly replacedBy: string | null;
}) {
  const { id, createdAt, expiresAt, replacedBy } = key;
  const isExpired = expiresAt !== null && expiresAt.getTime() <= Date.now();
  const state = key.revokedAt !== null ? "revoked" : isExpired ? "expired" : "good";
  return { id, createdAt, expiresAt, replacedBy, state } as const;
}

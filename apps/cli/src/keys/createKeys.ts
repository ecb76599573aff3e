/** Keys of the edge and of the REST API: made, told once, and revoked. */
import { randomUUID } from "node:crypto";
import type { Database } from "@trueclick/db/postgres/database";
import { advertisers } from "@trueclick/db/postgres/schema/advertisers";
import { apiKeys, sourceKeys, sources } from "@trueclick/db/postgres/schema/keys";
import type { Role } from "@trueclick/shared/access";
import { advertiserIdSchema, sourceIdSchema } from "@trueclick/shared/ids";
import { and, eq, isNull, sql } from "drizzle-orm";
import { CliError, UsageError } from "../terminal/errors.ts";
import { createKey, sha256Hex } from "./hash.ts";

export interface NewSourceKey {
  readonly sourceId: string;
  /** Of a source that is not there yet. */
  readonly name: string;
  readonly speaksForUsers: boolean;
  /** Of a source that is not there yet, as those that follow. */
  readonly requireToken?: boolean;
  readonly requireSignature?: boolean;
  readonly allowedOrigins?: string[] | null;
  /** Null: what the edge's settings say. */
  readonly eventsPerSecond?: number | null;
  /** Whether the key signs requests too. */
  readonly signs?: boolean;
  readonly expiresAt: Date | null;
}

export interface CreatedKey {
  readonly id: string;
  /** Told now and never again: only its hash is kept. */
  readonly key: string;
  /** Signs requests that name the id; null for a key that only bears. */
  readonly signingSecret: string | null;
}

/** A further key for a source, which is made if it is not there. */
export async function createSourceKey(db: Database, wanted: NewSourceKey): Promise<CreatedKey> {
  const sourceId = sourceIdSchema.safeParse(wanted.sourceId);
  if (!sourceId.success) throw new UsageError("--id must have 1 to 64 characters");
  const key = createKey("source");
  const id = randomUUID();
  const {
    name,
    speaksForUsers,
    expiresAt,
    requireToken = false,
    requireSignature = false,
  } = wanted;
  const { allowedOrigins = null, eventsPerSecond = null, signs = false } = wanted;
  if (requireSignature && !signs) {
    throw new UsageError("--require-signature needs a key that signs: add --signing");
  }
  const signingSecret = signs ? createKey("signing") : null;
  const traits = {
    speaksForUsers,
    requireToken,
    requireSignature,
    allowedOrigins,
    eventsPerSecond,
  };
  await db.transaction(async (transaction) => {
    await transaction
      .insert(sources)
      .values({ id: sourceId.data, name, ...traits })
      .onConflictDoNothing();
    const [source] = await transaction.select().from(sources).where(eq(sources.id, sourceId.data));
    // A source that is believed on addresses, or not, is not changed by making a key for it.
    if (source?.speaksForUsers !== speaksForUsers) {
      throw new CliError(
        "source_differs",
        `The source ${sourceId.data} is there and ` +
          `${source?.speaksForUsers === true ? "speaks" : "does not speak"} for its users.`,
      );
    }
    await transaction
      .insert(sourceKeys)
      .values({ id, sourceId: sourceId.data, keySha256: sha256Hex(key), signingSecret, expiresAt });
  });
  return { id, key, signingSecret };
}

export interface NewApiKey {
  readonly name: string;
  readonly role: Role;
  /** For the role `advertiser` only, and then required. */
  readonly advertiserId: string | undefined;
  readonly expiresAt: Date | null;
}

export async function createApiKey(db: Database, wanted: NewApiKey): Promise<CreatedKey> {
  const { name, role, expiresAt } = wanted;
  if ((role === "advertiser") !== (wanted.advertiserId !== undefined)) {
    throw new UsageError("--advertiser goes with --role advertiser, and with no other");
  }
  const advertiserId =
    wanted.advertiserId === undefined ? null : advertiserIdSchema.parse(wanted.advertiserId);
  if (advertiserId !== null) {
    const found = await db.select().from(advertisers).where(eq(advertisers.id, advertiserId));
    if (found.length === 0) throw new CliError("not_found", `No advertiser ${advertiserId}`);
  }
  const key = createKey("api");
  const id = randomUUID();
  await db
    .insert(apiKeys)
    .values({ id, name, keySha256: sha256Hex(key), role, advertiserId, expiresAt });
  return { id, key, signingSecret: null };
}

/**
 * Revokes a key of either kind by its id. The edge and the web app refuse it within seconds.
 *
 * @throws {CliError} `not_found` if no key in force has that id.
 */
export async function revokeKey(db: Database, id: string): Promise<"source" | "api"> {
  const now = sql`now()`;
  const ofSource = await db
    .update(sourceKeys)
    .set({ revokedAt: now })
    .where(and(eq(sourceKeys.id, id), isNull(sourceKeys.revokedAt)))
    .returning({ id: sourceKeys.id });
  if (ofSource.length > 0) return "source";
  const ofApi = await db
    .update(apiKeys)
    .set({ revokedAt: now })
    .where(and(eq(apiKeys.id, id), isNull(apiKeys.revokedAt)))
    .returning({ id: apiKeys.id });
  if (ofApi.length > 0) return "api";
  throw new CliError("not_found", `No key in force has the id ${id}`);
}

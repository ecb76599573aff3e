/** Keys of click tokens: made, told once, retired; and tokens minted by them. */
import { randomBytes } from "node:crypto";
import type { Database } from "@trueclick/db/postgres/database";
import { tokenKeys } from "@trueclick/db/postgres/schema/keys";
import type { ClickClaims } from "@trueclick/shared/token/claims";
import { TOKEN_KEY_ID_PATTERN, TokenKeyring } from "@trueclick/shared/token/click";
import { and, desc, eq, isNull, sql } from "drizzle-orm";
import { CliError, UsageError } from "../terminal/errors.ts";

const SECRET_BYTES = 32;
/** The key that a data folder begins with. */
const FIRST_KEY_ID = "local";
/**
 * Every edge that can read its keys has learned of a new one by then, milliseconds: they read them
 * again every five seconds.
 */
const SETTLED_AFTER_MS = 30_000;

export interface TokenKey {
  readonly id: string;
  readonly createdAt: Date;
  readonly retiredAt: Date | null;
}

/** The first key of a data folder; one that was retired stays retired. */
export async function seedTokenKey(db: Database, secret: string): Promise<void> {
  await db.insert(tokenKeys).values({ id: FIRST_KEY_ID, secret }).onConflictDoNothing();
}

/**
 * Makes a key. Its secret is for whoever mints; edges read it from the database.
 *
 * @param id Of the new key; by default the day and something random.
 */
export async function addTokenKey(
  db: Database,
  id = `${new Date().toISOString().slice(0, 10)}-${randomBytes(3).toString("hex")}`,
): Promise<{ readonly id: string; readonly secret: string }> {
  if (!TOKEN_KEY_ID_PATTERN.test(id)) throw new UsageError("--id: 1 to 32 of A-Z a-z 0-9 _ -");
  const secret = randomBytes(SECRET_BYTES).toString("base64");
  const added = await db
    .insert(tokenKeys)
    .values({ id, secret })
    .onConflictDoNothing()
    .returning({ id: tokenKeys.id });
  if (added.length === 0)
    throw new CliError("exists", `There is a key ${id}; it keeps its secret.`);
  return { id, secret };
}

export async function listTokenKeys(db: Database): Promise<TokenKey[]> {
  const { id, createdAt, retiredAt } = tokenKeys;
  return await db.select({ id, createdAt, retiredAt }).from(tokenKeys).orderBy(desc(createdAt));
}

/** From then on no token under it is good, whatever its expiry. Edges learn it within seconds. */
export async function retireTokenKey(db: Database, id: string): Promise<void> {
  const retired = await db
    .update(tokenKeys)
    .set({ retiredAt: sql`now()` })
    .where(and(eq(tokenKeys.id, id), isNull(tokenKeys.retiredAt)))
    .returning({ id: tokenKeys.id });
  if (retired.length === 0) throw new CliError("not_found", `No key in force has the id ${id}`);
}

/**
 * Mints a token by a key of the database.
 *
 * @param keyId Which; by default the newest that every edge knows.
 */
export async function mintToken(
  db: Database,
  claims: ClickClaims,
  keyId: string | undefined,
): Promise<{ readonly token: string; readonly keyId: string }> {
  const inForce = await db
    .select()
    .from(tokenKeys)
    .where(isNull(tokenKeys.retiredAt))
    .orderBy(desc(tokenKeys.createdAt));
  const settledBefore = Date.now() - SETTLED_AFTER_MS;
  const key =
    keyId === undefined
      ? (inForce.find(({ createdAt }) => createdAt.getTime() <= settledBefore) ?? inForce[0])
      : inForce.find(({ id }) => id === keyId);
  if (key === undefined) {
    const which = keyId === undefined ? "There is no key" : `No key in force has the id ${keyId}`;
    throw new CliError("no_key", `${which}. Make one with \`trueclick tokens keys add\`.`);
  }
  try {
    const secret = Buffer.from(key.secret, "base64");
    const token = new TokenKeyring(new Map([[key.id, secret]])).mint(claims, key.id);
    return { token, keyId: key.id };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UsageError(`${error.message}: is the landing URL http(s), without a user?`, {
      cause: error,
    });
  }
}

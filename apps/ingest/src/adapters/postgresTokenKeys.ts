import type { Database } from "@trueclick/db/postgres/database";
import { tokenKeys } from "@trueclick/db/postgres/schema/keys";
import { isNull } from "drizzle-orm";
import type { TokenSecrets } from "./refreshedTokenKeys.ts";

/** Most keys that may be good at once. A rotation needs two. */
const KEYS_MAX = 100;

/** The keys of click tokens that are not retired. @throws if Postgres does not answer. */
export async function loadTokenKeys(db: Database): Promise<TokenSecrets> {
  const rows = await db
    .select({ id: tokenKeys.id, secret: tokenKeys.secret })
    .from(tokenKeys)
    .where(isNull(tokenKeys.retiredAt))
    .limit(KEYS_MAX);
  return new Map(rows.map(({ id, secret }) => [id, Buffer.from(secret, "base64")]));
}

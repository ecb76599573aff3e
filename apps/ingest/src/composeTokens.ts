/** The keys of click tokens, and the links that they make. */
import { randomUUID } from "node:crypto";
import type { Database } from "@trueclick/db/postgres/database";
import type { Logger } from "pino";
import { loadTokenKeys } from "./adapters/postgresTokenKeys.ts";
import { RefreshedTokenKeys } from "./adapters/refreshedTokenKeys.ts";
import { RateBucket, type RateLimit } from "./domain/rateBucket.ts";
import type { Env } from "./env.ts";
import type { ClickLinks } from "./pipeline/acceptClick.ts";

/** Tokens that nobody vouches for and that are kept nevertheless. */
const BAD_TOKENS_KEPT: RateLimit = { perSecond: 50, burst: 500 };

const TOKEN_KEY_CACHE = {
  // A new key is known to every edge after this long, and a retired one to none.
  refreshMs: 5_000,
  loadTimeoutMs: 2_000,
  staleMaxMs: 24 * 3_600_000,
};

export interface ComposedTokens {
  readonly clickLinks: ClickLinks;
  /** How the keys stand, in a word; throws when nobody knows which are good. */
  readonly probe: () => Promise<string>;
  /** Since the keys were read, milliseconds; null before they were. */
  readonly ageMs: () => number | null;
  close(): void;
}

/** Resolves after the first try to read the keys, whatever came of it. */
export async function composeTokens(
  env: Env,
  db: Database,
  logger: Logger,
): Promise<ComposedTokens> {
  const nowMs = () => Date.now();
  const keys = new RefreshedTokenKeys({
    ...TOKEN_KEY_CACHE,
    fixed: env.TOKEN_KEYS ?? new Map(),
    load: () => loadTokenKeys(db),
    nowMs,
    onFault: (error) => logger.warn({ err: error }, "the keys of tokens cannot be read"),
  });
  await keys.start();
  return {
    clickLinks: {
      verifyToken: keys.verify.bind(keys),
      areKeysKnown: () => keys.areKnown(),
      quarantineBucket: new RateBucket(BAD_TOKENS_KEPT, nowMs()),
      newNonce: randomUUID,
    },
    probe: async () => {
      const ageMs = keys.ageMs();
      if (ageMs === null || !keys.areKnown()) throw new Error("The keys of tokens are not known");
      return ageMs <= 3 * TOKEN_KEY_CACHE.refreshMs ? "ok" : "remembered";
    },
    ageMs: () => keys.ageMs(),
    close: () => keys.close(),
  };
}

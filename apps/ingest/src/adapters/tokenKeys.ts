import { createHmac, createSecretKey } from "node:crypto";
import { type TokenHmac, verifyClickToken } from "@trueclick/shared/token/click";
import type { VerifyToken } from "../domain/clickTokens.ts";

/** @param keys Secrets by key id. */
function createTokenHmac(keys: ReadonlyMap<string, Uint8Array>): TokenHmac {
  const secrets = new Map([...keys].map(([id, secret]) => [id, createSecretKey(secret)]));
  return (keyId, text) => {
    const secret = secrets.get(keyId);
    return secret === undefined ? null : createHmac("sha256", secret).update(text).digest();
  };
}

/** Verifies click tokens with the keys that the edge was given. */
export function createTokenVerifier(keys: ReadonlyMap<string, Uint8Array>): VerifyToken {
  const hmac = createTokenHmac(keys);
  return (token, nowMs) => verifyClickToken(token, nowMs, hmac);
}

import { TokenKeyring } from "@trueclick/shared/token/click";
import type { VerifyToken } from "../domain/clickTokens.ts";

/** Verifies click tokens with the keys that the edge was given, secrets by key id. */
export function createTokenVerifier(keys: ReadonlyMap<string, Uint8Array>): VerifyToken {
  const keyring = new TokenKeyring(keys);
  return (token, nowMs) => keyring.verify(token, nowMs);
}

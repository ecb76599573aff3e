import { createHash, randomBytes } from "node:crypto";

const KEY_BYTES = 32;

/** So that whoever finds one in a log knows what was lost. */
const PREFIXES = { source: "tcs_", api: "tca_", signing: "tch_" } as const;

/** 256 random bits, so that a plain SHA-256 is all the hashing a key needs. */
export function createKey(kind: keyof typeof PREFIXES): string {
  return `${PREFIXES[kind]}${randomBytes(KEY_BYTES).toString("base64url")}`;
}

/** SHA-256 of a text's UTF-8, lower-case hex. */
export function sha256Hex(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

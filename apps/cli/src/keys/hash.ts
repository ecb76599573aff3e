import { createHash, randomBytes } from "node:crypto";
import { KEY_PREFIXES } from "@trueclick/shared/access";

const KEY_BYTES = 32;

/** 256 random bits, so that a plain SHA-256 is all the hashing a key needs. */
export function createKey(kind: keyof typeof KEY_PREFIXES): string {
  return `${KEY_PREFIXES[kind]}${randomBytes(KEY_BYTES).toString("base64url")}`;
}

/** SHA-256 of a text's UTF-8, lower-case hex. */
export function sha256Hex(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

import { createHash, createHmac, createSecretKey, hash, timingSafeEqual } from "node:crypto";
import type { IpAddress } from "@trueclick/shared/ip/address";
import type { SignatureHashes } from "../ports/signatureHashes.ts";

/** Hex digits; enough to tell a handful of keys apart, and far too few to guess one. */
const KEY_ID_LENGTH = 8;

/** SHA-256 of a text's UTF-8, lower-case hex. */
export function sha256Hex(text: string): string {
  return hash("sha256", text);
}

/**
 * HMAC-SHA256 over the 4 or 16 bytes of an address, as `key id.hash` in lower-case hex. The id is
 * the key's own, so that with another key an address has another hash, and anybody can see that the
 * two can't be compared.
 */
export function createIpHasher(keyHex: string): (ip: IpAddress) => string {
  const key = createSecretKey(Buffer.from(keyHex, "hex"));
  const keyId = createHmac("sha256", key).update("key id").digest("hex").slice(0, KEY_ID_LENGTH);
  return (ip) => `${keyId}.${createHmac("sha256", key).update(ip).digest("hex")}`;
}

/** What signatures of requests are checked with. */
export const signatureHashes: SignatureHashes = {
  sha256OfBytes: (bytes) => createHash("sha256").update(bytes).digest("hex"),
  hmacSha256: (secret, text) => createHmac("sha256", secret).update(text).digest("hex"),
  isSameText: (left, right) => {
    const [leftBytes, rightBytes] = [Buffer.from(left), Buffer.from(right)];
    return leftBytes.length === rightBytes.length && timingSafeEqual(leftBytes, rightBytes);
  },
};

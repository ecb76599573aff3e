import { createHash, createHmac, createSecretKey, hash, timingSafeEqual } from "node:crypto";
import type { IpAddress } from "@trueclick/shared/ip/address";
import type { SignatureHashes } from "../ports/signatureHashes.ts";

/** SHA-256 of a text's UTF-8, lower-case hex. */
export function sha256Hex(text: string): string {
  return hash("sha256", text);
}

/** HMAC-SHA256 over the 4 or 16 bytes of an address, lower-case hex. */
export function createIpHasher(keyHex: string): (ip: IpAddress) => string {
  const key = createSecretKey(Buffer.from(keyHex, "hex"));
  return (ip) => createHmac("sha256", key).update(ip).digest("hex");
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

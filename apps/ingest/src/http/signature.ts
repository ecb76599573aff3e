/**
 * Signed requests: `X-Trueclick-Key` names the key, `X-Trueclick-Signature` is HMAC-SHA256 in hex,
 * under the key's secret, over `timestamp.nonce.sha256hex(body)`, the body as it was sent. The header
 * holds the id of a key that was made to sign, or a source's key itself, which is then the secret.
 */
import type { IncomingMessage } from "node:http";
import type { SignatureHashes } from "../ports/signatureHashes.ts";

/** How far a request's clock may be from ours, either way, milliseconds. */
const SKEW_MAX_MS = 300_000;
const KEY_ID_PATTERN = /^[\x21-\x7e]{1,128}$/;
const NONCE_PATTERN = /^[A-Za-z0-9_.:-]{8,128}$/;

export interface SignatureHeaders {
  readonly keyId: string;
  /** Epoch seconds, as it was sent. */
  readonly timestamp: string;
  readonly nonce: string;
  /** 64 hex digits, lower case. */
  readonly signature: string;
}

/** Whether the request is one that is signed, well or not. */
export function isSigned(request: IncomingMessage): boolean {
  return request.headers["x-trueclick-signature"] !== undefined;
}

/** The signature's headers; null when one is missing or cannot be right, the time included. */
export function signatureHeaders(request: IncomingMessage, nowMs: number): SignatureHeaders | null {
  const read = (name: string) => {
    const value = request.headers[`x-trueclick-${name}`];
    return typeof value === "string" ? value : "";
  };
  const [keyId, nonce, timestamp] = [read("key"), read("nonce"), read("timestamp")];
  const signature = read("signature").toLowerCase();
  const isWellFormed =
    KEY_ID_PATTERN.test(keyId) &&
    NONCE_PATTERN.test(nonce) &&
    /^\d{1,12}$/.test(timestamp) &&
    /^[0-9a-f]{64}$/.test(signature);
  if (!isWellFormed || Math.abs(Number(timestamp) * 1_000 - nowMs) > SKEW_MAX_MS) return null;
  return { keyId, timestamp, nonce, signature };
}

/** When the signature is too old for any clock that is believed, epoch milliseconds. */
export function signatureExpiresAtMs({ timestamp }: SignatureHeaders): number {
  return Number(timestamp) * 1_000 + SKEW_MAX_MS + 1;
}

/** The SHA-256 of the body that was signed, lower-case hex; null where the signature is not of this one. */
export function signedBodySha256(
  headers: SignatureHeaders,
  secret: string,
  body: Uint8Array,
  { sha256OfBytes, hmacSha256, isSameText }: SignatureHashes,
): string | null {
  const bodySha256 = sha256OfBytes(body);
  const signed = `${headers.timestamp}.${headers.nonce}.${bodySha256}`;
  return isSameText(hmacSha256(secret, signed), headers.signature) ? bodySha256 : null;
}

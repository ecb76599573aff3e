/**
 * Click tokens: proof that an impression was issued by one of us, for this ad, to this landing URL.
 *
 * `t1.<key id>.<claims>.<mac>`: the claims are a JSON array in base64url, the MAC is HMAC-SHA256 over
 * everything before its own dot, all 32 bytes of it, in base64url without padding. Only characters
 * that need no escape in a URL. The version is in the MAC too, so that a later one can't be taken
 * for this one.
 *
 * Several keys may be good at once, told apart by their ids: a new one is rolled out to those who
 * verify, then used by those who mint, and the old one is taken away once its tokens are expired.
 */
import { z } from "zod";
import { ENTITY_ID_LENGTH_MAX } from "../ids/ids.ts";
import { MINUTE_MS } from "../time/time.ts";
import { fromBase64Url, toBase64Url } from "./base64Url.ts";

const VERSION = "t1";
/** Longest token that is looked at; that of the envelope's field. */
export const CLICK_TOKEN_LENGTH_MAX = 4_096;
export const LANDING_URL_LENGTH_MAX = 2_048;
/** Clocks differ; issued further ahead than this, a token is wrong, not early. */
const ISSUED_AHEAD_MAX_MS = 5 * MINUTE_MS;
const KEY_ID_PATTERN = /^[A-Za-z0-9_-]{1,32}$/;
const SHAPE = /^(t1\.([A-Za-z0-9_-]{1,32})\.([A-Za-z0-9_-]+))\.([A-Za-z0-9_-]{43})$/;

/** What a token says. */
export interface ClickClaims {
  /** Who minted it: the source that its clicks are of. */
  readonly issuer: string;
  readonly impressionId: string;
  readonly campaignId: string;
  readonly adId: string;
  readonly publisherId: string;
  /** Epoch seconds. */
  readonly issuedAtS: number;
  /** Exclusive, epoch seconds. */
  readonly expiresAtS: number;
  /** Where the click leads: `http` or `https`, without user and password. */
  readonly landingUrl: string;
}

/**
 * HMAC-SHA256 of a text's UTF-8, 32 bytes, under the key of this id; null for a key that is not
 * known. Handed in: this package runs in browsers too.
 */
export type TokenHmac = (keyId: string, text: string) => Uint8Array | null;

export type TokenCheck =
  | { readonly kind: "ok"; readonly claims: ClickClaims }
  /** Genuine, but too old. */
  | { readonly kind: "expired"; readonly claims: ClickClaims }
  /** Not ours, damaged, or of the future. Nothing that it says is to be believed. */
  | { readonly kind: "bad" };

const text = (lengthMax: number) =>
  z
    .string()
    .min(1)
    .max(lengthMax)
    .refine((value) => value.isWellFormed() && !value.includes("\0"));
const claimsSchema = z
  .tuple([
    text(ENTITY_ID_LENGTH_MAX),
    text(128),
    text(ENTITY_ID_LENGTH_MAX),
    text(ENTITY_ID_LENGTH_MAX),
    text(ENTITY_ID_LENGTH_MAX),
    z.int().min(0),
    z.int().min(0),
    text(LANDING_URL_LENGTH_MAX).refine(isLandingUrl),
  ])
  .refine(([, , , , , issuedAtS, expiresAtS]) => issuedAtS < expiresAtS);

const decoder = new TextDecoder("utf-8", { fatal: true });
const BAD: TokenCheck = { kind: "bad" };

/**
 * Mints a token.
 *
 * @throws {RangeError} if the key is not known, or the claims are none that would be verified.
 */
export function mintClickToken(claims: ClickClaims, keyId: string, hmac: TokenHmac): string {
  const fields = claimsSchema.safeParse([
    claims.issuer,
    claims.impressionId,
    claims.campaignId,
    claims.adId,
    claims.publisherId,
    claims.issuedAtS,
    claims.expiresAtS,
    claims.landingUrl,
  ]);
  if (!fields.success)
    throw new RangeError("These claims can be of no token", { cause: fields.error });
  if (!KEY_ID_PATTERN.test(keyId)) throw new RangeError(`"${keyId}" can be the id of no key`);
  const payload = toBase64Url(new TextEncoder().encode(JSON.stringify(fields.data)));
  const signed = `${VERSION}.${keyId}.${payload}`;
  const mac = hmac(keyId, signed);
  if (mac === null) throw new RangeError(`There is no key "${keyId}"`);
  const token = `${signed}.${toBase64Url(mac)}`;
  if (token.length > CLICK_TOKEN_LENGTH_MAX) throw new RangeError("The token would be too long");
  return token;
}

/**
 * Checks a token. Nothing in it is decoded before its MAC is right. Never throws.
 *
 * @param nowMs When it was received, epoch milliseconds: by our clock, since whoever kept an
 *   expired token would set theirs back.
 */
export function verifyClickToken(token: string, nowMs: number, hmac: TokenHmac): TokenCheck {
  if (token.length > CLICK_TOKEN_LENGTH_MAX) return BAD;
  const [, signed = "", keyId = "", payload = "", mac = ""] = SHAPE.exec(token) ?? [];
  const expected = signed === "" ? null : hmac(keyId, signed);
  // Compared as text: of the 43 characters the last holds spare bits, and a second spelling of the
  // same bytes would be a second token.
  if (expected === null || !isSameText(toBase64Url(expected), mac)) return BAD;
  const claims = parseClaims(payload);
  if (claims === null || claims.issuedAtS * 1_000 > nowMs + ISSUED_AHEAD_MAX_MS) return BAD;
  return { kind: claims.expiresAtS * 1_000 <= nowMs ? "expired" : "ok", claims };
}

function parseClaims(payload: string): ClickClaims | null {
  try {
    const json = decoder.decode(fromBase64Url(payload));
    const [issuer, impressionId, campaignId, adId, publisherId, issuedAtS, expiresAtS, landingUrl] =
      claimsSchema.parse(JSON.parse(json));
    const about = { issuer, impressionId, campaignId, adId, publisherId };
    return { ...about, issuedAtS, expiresAtS, landingUrl };
  } catch {
    // Signed by us and yet unreadable: minted by a version that is none of ours.
    return null;
  }
}

/** Takes as long whatever the first difference: time must not tell a forger how far they are. */
function isSameText(left: string, right: string): boolean {
  let difference = left.length ^ right.length;
  for (let index = 0; index < left.length; index += 1) {
    difference |= left.charCodeAt(index) ^ right.charCodeAt(index);
  }
  return difference === 0;
}

/** Only what a browser opens as a page: `javascript:` and `data:` would run as who knows whom. */
function isLandingUrl(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol, username, password } = new URL(value);
  const isWeb = protocol === "https:" || protocol === "http:";
  return isWeb && username === "" && password === "";
}

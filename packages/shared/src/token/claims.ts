/** What a click token says, and how its two parts are written. */
import { z } from "zod";
import { ENTITY_ID_LENGTH_MAX } from "../ids/ids.ts";
import { fromBase64Url, toBase64Url } from "./base64Url.ts";

export const LANDING_URL_LENGTH_MAX = 2_048;
export const IMPRESSION_ID_LENGTH_MAX = 128;
/** Times are written as eight hex digits; the year 2106 ends them. */
const TIME_MAX_S = 0xffff_ffff;
/** Control characters, and the backslash, which browsers take for a slash and servers do not. */
const UNSAFE_IN_URL = /[\p{Cc}\\]/u;
/** Impression ids that stand in a token as they are; all others are encoded behind a dot. */
const PLAIN_ID = /^[A-Za-z0-9_-]+$/;
const ENCODED_MARK = ".";

/** What all tokens of one ad with one publisher say: who, what, and where the click leads. */
export interface AdClaims {
  /** Who minted it: the source that its clicks are of. */
  readonly issuer: string;
  readonly campaignId: string;
  readonly adId: string;
  readonly publisherId: string;
  /** Where the click leads: `http` or `https`, without user and password. */
  readonly landingUrl: string;
}

/** What a token says of its own impression. */
export interface ImpressionClaims {
  readonly impressionId: string;
  /** Epoch seconds. */
  readonly issuedAtS: number;
  /** Exclusive, epoch seconds. */
  readonly expiresAtS: number;
}

/** What a token says. */
export interface ClickClaims extends AdClaims, ImpressionClaims {}

const text = (lengthMax: number) =>
  z
    .string()
    .min(1)
    .max(lengthMax)
    .refine((value) => value.isWellFormed() && !value.includes("\0"));
const entityId = text(ENTITY_ID_LENGTH_MAX);
const adSchema = z.tuple([
  entityId,
  entityId,
  entityId,
  entityId,
  text(LANDING_URL_LENGTH_MAX).refine(isLandingUrl),
]);
const impressionId = text(IMPRESSION_ID_LENGTH_MAX);
const timeS = z.int().min(0).max(TIME_MAX_S);
const impressionSchema = z
  .object({
    impressionId,
    issuedAtS: timeS,
    expiresAtS: timeS,
  })
  .refine(({ issuedAtS, expiresAtS }) => issuedAtS < expiresAtS);

const decoder = new TextDecoder("utf-8", { fatal: true });

/** @throws {RangeError} if no token can say this. */
export function writeAdClaims(claims: AdClaims): string {
  const { issuer, campaignId, adId, publisherId, landingUrl } = claims;
  const fields = adSchema.safeParse([issuer, campaignId, adId, publisherId, landingUrl]);
  if (!fields.success) throw impossible(fields.error);
  return toBase64Url(new TextEncoder().encode(JSON.stringify(fields.data)));
}

/** @returns null for what was not written by `writeAdClaims`. */
export function readAdClaims(encoded: string): AdClaims | null {
  try {
    const fields = adSchema.parse(JSON.parse(decoder.decode(fromBase64Url(encoded))));
    const [issuer, campaignId, adId, publisherId, landingUrl] = fields;
    return { issuer, campaignId, adId, publisherId, landingUrl };
  } catch {
    // Signed by us and yet unreadable: minted by a version that is none of ours.
    return null;
  }
}

/**
 * Sixteen hex digits, the two times, and the impression's id.
 *
 * @throws {RangeError} if no token can say this.
 */
export function writeImpressionClaims(claims: ImpressionClaims): string {
  const parsed = impressionSchema.safeParse(claims);
  if (!parsed.success) throw impossible(parsed.error);
  const { impressionId: id, issuedAtS, expiresAtS } = parsed.data;
  const encoded = () => ENCODED_MARK + toBase64Url(new TextEncoder().encode(id));
  return toHex(issuedAtS) + toHex(expiresAtS) + (PLAIN_ID.test(id) ? id : encoded());
}

/** An id that does not stand in a token as it is; null for what was not written by us. */
export function readEncodedId(written: string): string | null {
  if (!written.startsWith(ENCODED_MARK)) return null;
  try {
    const id = decoder.decode(fromBase64Url(written.slice(ENCODED_MARK.length)));
    return impressionId.safeParse(id).success ? id : null;
  } catch {
    return null;
  }
}

function toHex(seconds: number): string {
  return seconds.toString(16).padStart(8, "0");
}

function impossible(cause: unknown): RangeError {
  return new RangeError("These claims can be of no token", { cause });
}

/** Only what a browser opens as a page: `javascript:` and `data:` would run as who knows whom. */
function isLandingUrl(value: string): boolean {
  if (UNSAFE_IN_URL.test(value) || !URL.canParse(value)) return false;
  const { protocol, username, password } = new URL(value);
  // Written out: a browser takes `https:evil.example` for a page of that host.
  const isWeb = /^https?:\/\/[^/]/i.test(value) && /^https?:$/.test(protocol);
  return isWeb && username === "" && password === "";
}

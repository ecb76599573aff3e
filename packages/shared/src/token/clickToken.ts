/**
 * Click tokens: proof that an impression was issued by one of us, for this ad, to this landing URL.
 *
 * `t2.<key id>.<ad>.<impression>.<mac>`: the ad's claims are a JSON array in base64url, the
 * impression's are two times of eight hex digits and its id. Only characters that need no escape in
 * a URL. The MAC is HMAC-SHA256, all 32 bytes of it, in base64url without padding, over everything
 * before its own dot, with zero bytes after the third dot up to a whole block of the hash; no part
 * of a token holds a zero byte, so no two tokens are one message. The version and the key id are in
 * the MAC too, so that no other can be put in their place.
 *
 * The zero bytes are there for speed: all tokens of one ad with one publisher begin alike, so where
 * the hash stands after that beginning, and what the beginning says, is remembered (of genuine
 * tokens only). What is left is one block for the impression and one for the outer hash.
 *
 * Several keys may be good at once, told apart by their ids: a new one is rolled out to those who
 * verify, then used by those who mint, and the old one is taken away once its tokens are expired.
 */
import {
  beginHmac,
  digest,
  digestView,
  finishHmac,
  type HmacKey,
  message,
  messageView,
  prepareHmacKey,
  SHA256_BLOCK_BYTES,
} from "../sha256/hmacSha256.ts";
import { MINUTE_MS } from "../time/time.ts";
import { toBase64Url } from "./base64Url.ts";
import {
  type AdClaims,
  type ClickClaims,
  IMPRESSION_ID_LENGTH_MAX,
  readAdClaims,
  readEncodedId,
  writeAdClaims,
  writeImpressionClaims,
} from "./claims.ts";
import { HeadCache, UNPROVEN_AT } from "./headCache.ts";

const VERSION = "t2.";
/** Longest token that is looked at; that of the envelope's field. */
export const CLICK_TOKEN_LENGTH_MAX = 4_096;
/** Clocks differ; issued further ahead than this, a token is wrong, not early. */
const ISSUED_AHEAD_MAX_MS = 5 * MINUTE_MS;
export const TOKEN_KEY_ID_PATTERN = /^[A-Za-z0-9_-]{1,32}$/;
const HEAD_PATTERN = /^t2\.([A-Za-z0-9_-]{1,32})\.([A-Za-z0-9_-]+)\.$/;
/** 32 bytes in base64url. */
const MAC_LENGTH = 43;
/** Of an impression's id that is encoded: three bytes a character, four digits for three bytes. */
const WRITTEN_ID_LENGTH_MAX = 1 + 4 * IMPRESSION_ID_LENGTH_MAX;
/** Two times of eight hex digits. */
const TIMES_LENGTH = 16;
const DOT = 0x2e;

export type TokenCheck =
  | { readonly kind: "ok"; readonly claims: ClickClaims }
  /** Genuine, but too old. */
  | { readonly kind: "expired"; readonly claims: ClickClaims }
  /** Not ours, damaged, or of the future. Nothing that it says is to be believed. */
  | { readonly kind: "bad" };

const BAD: TokenCheck = { kind: "bad" };
const encoder = new TextEncoder();
/** Four digits are a word; of the last one the fourth digit is none. */
const MAC_WORDS = 11;
const LAST_WORD_MASK = 0x00ff_ffff;
/** The MAC that a token bears, kept while the hash is ended over its place. */
const givenMac = new Int32Array(MAC_WORDS);
const BASE64URL_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/** By character: its value as a hex digit in lower case, as one of base64url; else -1. */
const HEX_VALUE = valuesOf("0123456789abcdef");
const BASE64_VALUE = valuesOf(BASE64URL_DIGITS);
const TWO_DIGITS = twoDigits();

/** Secrets that are good now, and what was computed under them. Make a new one when they change. */
export class TokenKeyring {
  readonly #keys: ReadonlyMap<string, HmacKey>;
  readonly #heads = new HeadCache();

  /** @param secrets By key id. */
  constructor(secrets: ReadonlyMap<string, Uint8Array>) {
    this.#keys = new Map([...secrets].map(([id, secret]) => [id, prepareHmacKey(secret)]));
  }

  /**
   * Mints a token.
   *
   * @throws {RangeError} if the key is not known, or the claims are none that would be verified.
   */
  mint(claims: ClickClaims, keyId: string): string {
    const [ad, impression] = [writeAdClaims(claims), writeImpressionClaims(claims)];
    const beginning = `${VERSION}${keyId}.${ad}.`;
    const signed = beginning + impression;
    if (signed.length + 1 + MAC_LENGTH > CLICK_TOKEN_LENGTH_MAX) {
      throw new RangeError("The token would be too long");
    }
    if (!this.#startHead(beginning)) throw new RangeError(`There is no key "${keyId}"`);
    write(signed);
    const { length } = beginning;
    finishHmac(UNPROVEN_AT, length, signed.length, padded(length));
    return `${signed}.${toBase64Url(digest)}`;
  }

  /**
   * Checks a token. Nothing in it is decoded before its MAC is right. Never throws.
   *
   * @param nowMs When it was received, epoch milliseconds: by our clock, since whoever kept an
   *   expired token would set theirs back.
   */
  verify(token: string, nowMs: number): TokenCheck {
    const headEnd = token.indexOf(".", token.indexOf(".", VERSION.length) + 1) + 1;
    const tailEnd = token.length - MAC_LENGTH - 1;
    // Of a token that lacks a dot the head ends at its beginning, or where the MAC is.
    const idLength = tailEnd - headEnd - TIMES_LENGTH;
    const isShaped =
      token.length <= CLICK_TOKEN_LENGTH_MAX &&
      headEnd > VERSION.length &&
      idLength > 0 &&
      idLength <= WRITTEN_ID_LENGTH_MAX &&
      token.charCodeAt(tailEnd) === DOT &&
      write(token);
    if (!isShaped) return BAD;
    const known = this.#heads.at(this.#heads.find(headEnd));
    if (known === undefined) return this.#verifyNew(token, { headEnd, tailEnd, nowMs });
    keepMac(tailEnd + 1);
    finishHmac(known.keptAt, headEnd, tailEnd, padded(headEnd));
    return isMacRight() ? judge(known.ad, token, { headEnd, tailEnd, nowMs }) : BAD;
  }

  /** Of a token whose beginning is met for the first time, or again after long. */
  #verifyNew(token: string, judged: Judged): TokenCheck {
    const { headEnd, tailEnd } = judged;
    const beginning = token.slice(0, headEnd);
    if (!this.#startHead(beginning)) return BAD;
    write(token);
    keepMac(tailEnd + 1);
    finishHmac(UNPROVEN_AT, headEnd, tailEnd, padded(headEnd));
    // Only then is anything read or remembered: what strangers invent takes no place here.
    if (!isMacRight()) return BAD;
    const ad = readAdClaims(HEAD_PATTERN.exec(beginning)?.[2] ?? "");
    if (ad === null) return BAD;
    const check = judge(ad, token, judged);
    write(beginning);
    this.#heads.add(headEnd, ad);
    return check;
  }

  /**
   * Puts where the hash stands after a beginning to `UNPROVEN_AT`. False for a key that is not known,
   * and for what is no beginning of a token.
   */
  #startHead(beginning: string): boolean {
    const key = this.#keys.get(HEAD_PATTERN.exec(beginning)?.[1] ?? "");
    if (key === undefined) return false;
    write(beginning);
    const paddedBytes = padded(beginning.length);
    message.fill(0, beginning.length, paddedBytes);
    beginHmac(key, paddedBytes / SHA256_BLOCK_BYTES, UNPROVEN_AT);
    return true;
  }
}

/** Bytes of a beginning with the zeros behind it. */
function padded(length: number): number {
  return Math.ceil(length / SHA256_BLOCK_BYTES) * SHA256_BLOCK_BYTES;
}

interface Judged {
  readonly headEnd: number;
  readonly tailEnd: number;
  readonly nowMs: number;
}

/** Even of what we signed ourselves, only what we would mint is believed. */
function judge(ad: AdClaims, token: string, { headEnd, tailEnd, nowMs }: Judged): TokenCheck {
  const issuedAtS = readHex(headEnd);
  const expiresAtS = readHex(headEnd + TIMES_LENGTH / 2);
  const [idStart, written] = [headEnd + TIMES_LENGTH, token.slice(headEnd + TIMES_LENGTH, tailEnd)];
  const impressionId = isPlain(idStart, tailEnd) ? written : readEncodedId(written);
  const isSound = issuedAtS >= 0 && issuedAtS < expiresAtS && impressionId !== null;
  if (!isSound || issuedAtS * 1_000 > nowMs + ISSUED_AHEAD_MAX_MS) return BAD;
  return {
    kind: expiresAtS * 1_000 <= nowMs ? "expired" : "ok",
    claims: {
      issuer: ad.issuer,
      impressionId,
      campaignId: ad.campaignId,
      adId: ad.adId,
      publisherId: ad.publisherId,
      issuedAtS,
      expiresAtS,
      landingUrl: ad.landingUrl,
    },
  };
}

/** Writes a text to the start of `message`; false if it is not ASCII. */
function write(text: string): boolean {
  return encoder.encodeInto(text, message).written === text.length;
}

/** Keeps the 43 characters at a place of `message`. */
function keepMac(from: number): void {
  const [view, given] = [messageView, givenMac];
  for (let word = 0; word < MAC_WORDS; word += 1)
    given[word] = view.getInt32(from + 4 * word, true);
}

/**
 * Whether what `keepMac` kept is `digest` in base64url. Our side is encoded, not theirs decoded: of
 * the 43 characters the last holds two spare bits, and a second spelling would be a second token.
 * Takes as long whatever the first difference: time must not tell a forger how far they are.
 */
function isMacRight(): boolean {
  const given = givenMac;
  let difference = 0;
  for (let step = 0; step < 3; step += 1) {
    // Twelve bytes are sixteen digits; behind the last eight bytes we read zeros.
    const a = digestView.getInt32(12 * step);
    const b = digestView.getInt32(12 * step + 4);
    const c = step < 2 ? digestView.getInt32(12 * step + 8) : 0;
    difference |= (given[4 * step] ?? 0) ^ fourDigits(a >>> 8);
    difference |= (given[4 * step + 1] ?? 0) ^ fourDigits(((a & 0xff) << 16) | (b >>> 16));
    const third = fourDigits(((b & 0xffff) << 8) | (c >>> 24));
    if (step === 2) {
      difference |= ((given[10] ?? 0) ^ third) & LAST_WORD_MASK;
    } else {
      difference |= (given[4 * step + 2] ?? 0) ^ third;
      difference |= (given[4 * step + 3] ?? 0) ^ fourDigits(c & 0xff_ffff);
    }
  }
  return difference === 0;
}

/** 24 bits as four digits, the first in the low byte. */
function fourDigits(bits: number): number {
  return (TWO_DIGITS[bits >>> 12] ?? 0) | ((TWO_DIGITS[bits & 0xfff] ?? 0) << 16);
}

/** Whether a stretch of `message` holds digits of base64url alone: an id that stands as it is. */
function isPlain(from: number, to: number): boolean {
  const [bytes, values] = [message, BASE64_VALUE];
  let all = 0;
  for (let index = from; index < to; index += 1) all |= values[bytes[index] ?? 0] ?? -1;
  return all >= 0;
}

/** Eight hex digits in lower case at a place of `message`; -1 if they are none. */
function readHex(from: number): number {
  const [bytes, values] = [message, HEX_VALUE];
  let value = 0;
  let wrong = 0;
  for (let index = from; index < from + TIMES_LENGTH / 2; index += 1) {
    const digit = values[bytes[index] ?? 0] ?? -1;
    wrong |= digit;
    value = (value << 4) | digit;
  }
  return wrong < 0 ? -1 : value >>> 0;
}

function valuesOf(digits: string): Int8Array {
  const values = new Int8Array(128).fill(-1);
  for (const [value, digit] of [...digits].entries()) values[digit.charCodeAt(0)] = value;
  return values;
}

/** By twelve bits: their two digits of base64url, the first in the low byte. */
function twoDigits(): Uint16Array {
  const pairs = new Uint16Array(4_096);
  for (const [high, first] of [...BASE64URL_DIGITS].entries()) {
    for (const [low, second] of [...BASE64URL_DIGITS].entries()) {
      pairs[(high << 6) | low] = first.charCodeAt(0) | (second.charCodeAt(0) << 8);
    }
  }
  return pairs;
}

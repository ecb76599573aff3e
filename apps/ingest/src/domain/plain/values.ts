/**
 * Plain values: strings, numbers and words of JSON that stand in the text as `JSON.stringify` would
 * write them, so that they can be copied instead of being read and written again. Printable ASCII
 * without escapes; numbers of at most 15 digits, which a double holds to the last one.
 */
import { NOT_JSON } from "../jsonScan.ts";
import { WORD_BYTES } from "./words.ts";

/** What a plain value is. */
export const TEXT = 1;
export const EMPTY_TEXT = 2;
export const INTEGER = 3;
export const DECIMAL = 4;
export const TRUE = 5;
export const FALSE = 6;
export const NULL = 7;

const QUOTE = 0x22;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const BACKSLASH = 0x5c;
const DELETE = 0x7f;
const SPACE = 0x20;
const DIGITS_MAX = 15;

/** 1 for every byte that stands for itself inside a string. */
const STANDS_FOR_ITSELF = new Uint8Array(256);
for (let byte = SPACE; byte <= DELETE; byte += 1) STANDS_FOR_ITSELF[byte] = 1;
STANDS_FOR_ITSELF[QUOTE] = 0;
STANDS_FOR_ITSELF[BACKSLASH] = 0;

/** From behind an opening quote to the closing one, or `NOT_JSON`. */
export function plainTextEnd(json: Uint8Array, start: number): number {
  let at = start;
  while (STANDS_FOR_ITSELF[json[at] ?? 0] === 1) at += 1;
  return json[at] === QUOTE ? at : NOT_JSON;
}

/** Past white space of JSON. */
export function pastSpace(json: Uint8Array, start: number): number {
  let at = start;
  for (;;) {
    const byte = json[at] ?? 0;
    if (byte > SPACE) return at;
    if (byte !== SPACE && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return at;
    at += 1;
  }
}

const EVERY_QUOTE = 0x22222222;
const EVERY_BACKSLASH = 0x5c5c5c5c;
const EVERY_SPACE = 0x20202020;
const EVERY_ONE = 0x01010101;
const EVERY_HIGH_BIT = 0x80808080;

/**
 * The high bit of the first of four bytes that does not stand for itself (a quote, a backslash, a
 * control character, or beyond ASCII), and perhaps of some behind it; 0 if all do.
 */
function oddBytes(word: number): number {
  // Less than what is taken away borrows its high bit; equal to what is compared is zero, and does.
  // It may borrow from the next byte too, but never from the one before.
  const isQuote = (word ^ EVERY_QUOTE) - EVERY_ONE;
  const isBackslash = (word ^ EVERY_BACKSLASH) - EVERY_ONE;
  return (word | (word - EVERY_SPACE) | isQuote | isBackslash) & EVERY_HIGH_BIT;
}

/**
 * As `plainTextEnd`, four bytes at a time.
 *
 * @param words Of `json`.
 */
export function textEnd(json: Uint8Array, words: DataView, start: number): number {
  const last = words.byteLength - WORD_BYTES;
  for (let at = start; at <= last; at += WORD_BYTES) {
    const odd = oddBytes(words.getInt32(at, true));
    if (odd === 0) continue;
    const end = at + ((31 - Math.clz32(odd & -odd)) >> 3);
    return json[end] === QUOTE ? end : NOT_JSON;
  }
  return plainTextEnd(json, start);
}

/** Reads one value at a time; what it found stays until the next. */
export class PlainValue {
  kind = 0;
  start = NOT_JSON;
  /** Behind its last byte. */
  end = NOT_JSON;

  /**
   * @param words Of `json`.
   * @returns Whether the value at `start` is plain.
   */
  read(json: Uint8Array, words: DataView, start: number): boolean {
    this.start = start;
    const first = json[start] ?? 0;
    if (first === QUOTE) return this.#readText(json, words, start);
    if (first === MINUS || (first >= ZERO && first <= NINE)) return this.#readNumber(json, start);
    if (first === 0x74) return this.#readWord(json, start, "true", TRUE);
    if (first === 0x66) return this.#readWord(json, start, "false", FALSE);
    if (first === 0x6e) return this.#readWord(json, start, "null", NULL);
    return false;
  }

  /** Neither null nor an empty text, which mean that the field is not there. */
  get isPresent(): boolean {
    return this.kind !== NULL && this.kind !== EMPTY_TEXT;
  }

  #readText(json: Uint8Array, words: DataView, start: number): boolean {
    const quote = textEnd(json, words, start + 1);
    this.kind = quote === start + 1 ? EMPTY_TEXT : TEXT;
    this.end = quote + 1;
    return quote !== NOT_JSON;
  }

  #readWord(json: Uint8Array, start: number, word: string, kind: number): boolean {
    for (let index = 1; index < word.length; index += 1) {
      if (json[start + index] !== word.charCodeAt(index)) return false;
    }
    this.kind = kind;
    this.end = start + word.length;
    return true;
  }

  #readNumber(json: Uint8Array, start: number): boolean {
    const isNegative = json[start] === MINUS;
    const first = isNegative ? start + 1 : start;
    const pointOrEnd = digitsEnd(json, first);
    const isZero = json[first] === ZERO;
    const isWhole = json[pointOrEnd] !== POINT;
    if (pointOrEnd === first || (isZero && pointOrEnd > first + 1)) return false;
    this.kind = isWhole ? INTEGER : DECIMAL;
    this.end = isWhole ? pointOrEnd : digitsEnd(json, pointOrEnd + 1);
    // JSON has no plus and no letter here but an exponent, and minus zero is written as zero.
    if (isExponent(json[this.end]) || (isWhole && isZero && isNegative)) return false;
    return this.end - first <= DIGITS_MAX && (isWhole || isPlainFraction(json, first, this.end));
  }
}

/** Not one that is written shorter, or, being very small, with an exponent. */
function isPlainFraction(json: Uint8Array, first: number, end: number): boolean {
  const last = json[end - 1];
  if (last === POINT || last === ZERO) return false;
  return json[first] !== ZERO || json[first + 2] !== ZERO;
}

function digitsEnd(json: Uint8Array, start: number): number {
  let at = start;
  for (let byte = json[at] ?? 0; byte >= ZERO && byte <= NINE; byte = json[at] ?? 0) at += 1;
  return at;
}

function isExponent(byte: number | undefined): boolean {
  return byte === 0x65 || byte === 0x45;
}

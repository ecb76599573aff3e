/**
 * JSON read as bytes: what is a value, and where it ends, by the grammar of RFC 8259 and exactly as
 * `JSON.parse` has it, but without building any of it. So a body can be cut into events, each kept
 * and measured as it was received, and no hostile text costs more than one pass over its bytes.
 *
 * That the bytes are UTF-8 is for the caller to know; all that is looked for here is ASCII, and no
 * byte of a longer character is.
 */

/** Of a text that is not JSON. */
export const NOT_JSON = -1;

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const MINUS = 0x2d;
const PLUS = 0x2b;
const POINT = 0x2e;
const ZERO = 0x30;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const OPEN_BRACE = 0x7b;
const SPACE = 0x20;
const LETTER_U = 0x75;
const HEX_DIGITS_OF_ESCAPE = 4;
/** From an opening bracket's code to that of the one that closes it, of both kinds. */
const TO_CLOSING = 2;
/** Room for this many open brackets at first; it grows with the nesting. */
const NESTING_FIRST = 64;

/** Where the white space from `start` on ends. */
export function skipSpace(json: Uint8Array, start: number): number {
  let at = start;
  while (isSpace(json[at] ?? 0)) at += 1;
  return at;
}

/** The text without white space around it. */
export function trimSpace(json: Uint8Array): Uint8Array {
  const start = skipSpace(json, 0);
  let end = json.length;
  while (end > start && isSpace(json[end - 1] ?? 0)) end -= 1;
  return json.subarray(start, end);
}

/**
 * Where the value that begins at `start` ends, or `NOT_JSON`. Brackets are remembered in a list, so
 * nesting costs no stack.
 */
export function skipValue(json: Uint8Array, start: number): number {
  open.depth = 0;
  let at = start;
  do {
    const byte = json[at] ?? 0;
    const isBracket = byte === OPEN_BRACE || byte === OPEN_BRACKET;
    at = isBracket ? enter(json, at, byte) : leave(json, skipScalar(json, at));
  } while (open.depth > 0 && at !== NOT_JSON);
  return at;
}

/** From a field's name to the first byte of its value. */
function skipName(json: Uint8Array, start: number): number {
  const nameEnd = skipString(json, start);
  return nameEnd === NOT_JSON ? NOT_JSON : skipColon(json, nameEnd);
}

/** From behind a field's name to the first byte of its value. */
export function skipColon(json: Uint8Array, nameEnd: number): number {
  const colon = skipSpace(json, nameEnd);
  return json[colon] === COLON ? skipSpace(json, colon + 1) : NOT_JSON;
}

/** From an opening quote to behind the closing one. */
export function skipString(json: Uint8Array, start: number): number {
  if (json[start] !== QUOTE) return NOT_JSON;
  let at = start + 1;
  for (;;) {
    const byte = json[at] ?? 0;
    if (byte === QUOTE) return at + 1;
    // Also past the end, where there is no byte.
    if (byte < SPACE) return NOT_JSON;
    if (byte === BACKSLASH) {
      at = skipEscape(json, at + 1);
      if (at === NOT_JSON) return NOT_JSON;
    } else at += 1;
  }
}

/**
 * Whether the string from `start` to `end`, quotes included, says `text`, which is ASCII and needs no
 * escapes; the string itself may have some.
 */
export function saysText(json: Uint8Array, start: number, end: number, text: Uint8Array): boolean {
  let at = start + 1;
  for (const code of text) {
    const byte = json[at] ?? 0;
    const isEscape = byte === BACKSLASH;
    // Of the short escapes none stands for what may be in such a text.
    if (isEscape && json[at + 1] !== LETTER_U) return false;
    if ((isEscape ? readHex(json, at + 2) : byte) !== code) return false;
    at += isEscape ? 2 + HEX_DIGITS_OF_ESCAPE : 1;
  }
  return at === end - 1;
}

/** The brackets around the place that is looked at. */
class OpenBrackets {
  #bytes = new Uint8Array(NESTING_FIRST);
  depth = 0;

  /** 0 outside of all. */
  get innermost(): number {
    return this.#bytes[this.depth - 1] ?? 0;
  }

  push(bracket: number): void {
    if (this.depth === this.#bytes.length) {
      const longer = new Uint8Array(2 * this.depth);
      longer.set(this.#bytes);
      this.#bytes = longer;
    }
    this.#bytes[this.depth] = bracket;
    this.depth += 1;
  }
}

/** One for all values, each skipped in one go: a list for each would be most of the work. */
const open = new OpenBrackets();

/** From an opening bracket to the first value behind it, or behind its end if there is none in it. */
function enter(json: Uint8Array, start: number, bracket: number): number {
  const at = skipSpace(json, start + 1);
  if (json[at] === bracket + TO_CLOSING) return leave(json, at + 1);
  // More than there are bytes left to close are no JSON, whatever follows.
  if (open.depth > json.length - at) return NOT_JSON;
  open.push(bracket);
  return nextValue(json, at, bracket);
}

/** From the end of a value to the next one, or behind the last bracket that closes with it. */
function leave(json: Uint8Array, end: number): number {
  let at = end;
  while (open.depth > 0 && at !== NOT_JSON) {
    const bracket = open.innermost;
    at = skipSpace(json, at);
    const byte = json[at] ?? 0;
    if (byte === COMMA) return nextValue(json, skipSpace(json, at + 1), bracket);
    at = byte === bracket + TO_CLOSING ? at + 1 : NOT_JSON;
    open.depth -= 1;
  }
  return at;
}

/** In an object a value's name stands before it. */
function nextValue(json: Uint8Array, start: number, bracket: number): number {
  return bracket === OPEN_BRACE ? skipName(json, start) : start;
}

function skipScalar(json: Uint8Array, start: number): number {
  switch (json[start]) {
    case QUOTE:
      return skipString(json, start);
    case 0x74:
      return skipWord(json, start, TRUE);
    case 0x66:
      return skipWord(json, start, FALSE);
    case 0x6e:
      return skipWord(json, start, NULL);
    default:
      return skipNumber(json, start);
  }
}

const TRUE = new TextEncoder().encode("true");
const FALSE = new TextEncoder().encode("false");
const NULL = new TextEncoder().encode("null");

function skipWord(json: Uint8Array, start: number, word: Uint8Array): number {
  for (let index = 0; index < word.length; index += 1) {
    if (json[start + index] !== word[index]) return NOT_JSON;
  }
  return start + word.length;
}

function skipNumber(json: Uint8Array, start: number): number {
  const first = json[start] === MINUS ? start + 1 : start;
  let at = json[first] === ZERO ? first + 1 : skipDigits(json, first);
  if (at !== NOT_JSON && json[at] === POINT) at = skipDigits(json, at + 1);
  if (at === NOT_JSON || !isExponent(json[at])) return at;
  const sign = json[at + 1];
  return skipDigits(json, sign === PLUS || sign === MINUS ? at + 2 : at + 1);
}

/** At least one. */
function skipDigits(json: Uint8Array, start: number): number {
  let at = start;
  while (isDigit(json[at] ?? 0)) at += 1;
  return at === start ? NOT_JSON : at;
}

/** From behind a backslash. */
function skipEscape(json: Uint8Array, start: number): number {
  const byte = json[start] ?? 0;
  if (byte !== LETTER_U) return IS_ESCAPED[byte] === 1 ? start + 1 : NOT_JSON;
  return readHex(json, start + 1) < 0 ? NOT_JSON : start + 1 + HEX_DIGITS_OF_ESCAPE;
}

/** What the four digits of an escape say; negative if they are no digits. */
function readHex(json: Uint8Array, start: number): number {
  let code = 0;
  for (let at = start; at < start + HEX_DIGITS_OF_ESCAPE; at += 1) {
    const digit = hexDigit(json[at] ?? 0);
    if (digit < 0) return digit;
    code = 16 * code + digit;
  }
  return code;
}

/** Its value; -1 if it is none. */
function hexDigit(byte: number): number {
  if (isDigit(byte)) return byte - ZERO;
  // The letters of both cases differ by one bit.
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : -1;
}

function isSpace(byte: number): boolean {
  return byte <= SPACE && (byte === SPACE || byte === 0x0a || byte === 0x0d || byte === 0x09);
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= 0x39;
}

function isExponent(byte: number | undefined): boolean {
  return byte === 0x65 || byte === 0x45;
}

/** 1 for every byte that may follow a backslash by itself. */
const IS_ESCAPED = new Uint8Array(256);
for (const byte of new TextEncoder().encode('"\\/bfnrt')) IS_ESCAPED[byte] = 1;

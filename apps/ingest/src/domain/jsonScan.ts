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
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const SPACE = 0x20;
const LETTER_U = 0x75;
const HEX_DIGITS_OF_ESCAPE = 4;
/** Room for this many open brackets at first; it grows with the nesting. */
const NESTING_FIRST = 64;

const decoder = new TextDecoder();

/** Where the white space from `start` on ends. */
export function skipSpace(json: Uint8Array, start: number): number {
  let at = start;
  while (isSpace(json[at])) at += 1;
  return at;
}

/** The text without white space around it. */
export function trimSpace(json: Uint8Array): Uint8Array {
  const start = skipSpace(json, 0);
  let end = json.length;
  while (end > start && isSpace(json[end - 1])) end -= 1;
  return json.subarray(start, end);
}

/**
 * Where the value that begins at `start` ends, or `NOT_JSON`. Brackets are remembered in a list, so
 * nesting costs no stack.
 */
export function skipValue(json: Uint8Array, start: number): number {
  const first = json[start];
  if (first !== OPEN_BRACE && first !== OPEN_BRACKET) return skipScalar(json, start);
  open.depth = 0;
  let at = start;
  for (;;) {
    at = skipOpening(json, at);
    if (at === NOT_JSON) return NOT_JSON;
    at = skipClosing(json, at);
    if (at === NOT_JSON || open.depth === 0) return at;
    // Behind a comma: the next value of the bracket that is open.
    if (open.isObject) at = skipName(json, at);
    if (at === NOT_JSON) return NOT_JSON;
  }
}

/** From a field's name to the first byte of its value. */
export function skipName(json: Uint8Array, start: number): number {
  const nameEnd = skipString(json, start);
  if (nameEnd === NOT_JSON) return NOT_JSON;
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

/** What `text`, the bytes of a JSON string with its quotes, says. */
export function readString(text: Uint8Array): unknown {
  return JSON.parse(decoder.decode(text));
}

/** The brackets around the place that is looked at. */
class OpenBrackets {
  #isObject = new Uint8Array(NESTING_FIRST);
  depth = 0;

  /** Whether the innermost is that of an object. */
  get isObject(): boolean {
    return this.#isObject[this.depth - 1] === 1;
  }

  push(isObject: boolean): void {
    if (this.depth === this.#isObject.length) {
      const longer = new Uint8Array(2 * this.depth);
      longer.set(this.#isObject);
      this.#isObject = longer;
    }
    this.#isObject[this.depth] = isObject ? 1 : 0;
    this.depth += 1;
  }
}

/** One for all values, each skipped in one go: a list for each would be most of the work. */
const open = new OpenBrackets();

/** To behind the first value that holds no further one; the brackets before it are opened. */
function skipOpening(json: Uint8Array, start: number): number {
  let at = start;
  for (;;) {
    const byte = json[at];
    if (byte !== OPEN_BRACE && byte !== OPEN_BRACKET) return skipScalar(json, at);
    const isObject = byte === OPEN_BRACE;
    at = skipSpace(json, at + 1);
    if (json[at] === (isObject ? CLOSE_BRACE : CLOSE_BRACKET)) return at + 1;
    open.push(isObject);
    if (isObject) at = skipName(json, at);
    if (at === NOT_JSON) return NOT_JSON;
  }
}

/** To behind the comma after a value, or behind the last bracket that closes with it. */
function skipClosing(json: Uint8Array, start: number): number {
  let at = start;
  while (open.depth > 0) {
    at = skipSpace(json, at);
    if (json[at] === COMMA) return skipSpace(json, at + 1);
    if (json[at] !== (open.isObject ? CLOSE_BRACE : CLOSE_BRACKET)) return NOT_JSON;
    open.depth -= 1;
    at += 1;
  }
  return at;
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
  while (isDigit(json[at])) at += 1;
  return at === start ? NOT_JSON : at;
}

/** From behind a backslash. */
function skipEscape(json: Uint8Array, start: number): number {
  if (json[start] !== LETTER_U) return isEscaped(json[start]) ? start + 1 : NOT_JSON;
  for (let at = start + 1; at <= start + HEX_DIGITS_OF_ESCAPE; at += 1) {
    if (!isHexDigit(json[at])) return NOT_JSON;
  }
  return start + 1 + HEX_DIGITS_OF_ESCAPE;
}

function isSpace(byte: number | undefined): boolean {
  return byte === SPACE || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= 0x39;
}

function isHexDigit(byte: number | undefined): boolean {
  // The letters of both cases differ by one bit.
  const lower = (byte ?? 0) | 0x20;
  return isDigit(byte) || (lower >= 0x61 && lower <= 0x66);
}

function isExponent(byte: number | undefined): boolean {
  return byte === 0x65 || byte === 0x45;
}

const ESCAPED: ReadonlySet<number | undefined> = new Set(new TextEncoder().encode('"\\/bfnrt'));

function isEscaped(byte: number | undefined): boolean {
  return ESCAPED.has(byte);
}

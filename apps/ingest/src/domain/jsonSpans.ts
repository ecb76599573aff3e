/**
 * Where the elements of a JSON array lie in its bytes, so that each event can be measured, and kept
 * in the quarantine, exactly as it was received. For text that `JSON.parse` has already accepted:
 * nothing is validated a second time.
 *
 * UTF-8 needs no decoding here: all that is looked for is ASCII, and no byte of a longer character
 * is.
 */

/** Half-open range of bytes. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const SPACE = 0x20;

const decoder = new TextDecoder();

/**
 * @param json A JSON text whose value is an array.
 * @param start Where its opening bracket is; white space may come before it.
 */
export function elementSpans(json: Uint8Array, start = 0): Span[] {
  const spans: Span[] = [];
  let at = skipSpace(json, skipSpace(json, start) + 1);
  while (at < json.length && json[at] !== CLOSE_BRACKET) {
    const end = skipValue(json, at);
    spans.push({ start: at, end });
    at = skipSpace(json, end);
    if (json[at] === COMMA) at = skipSpace(json, at + 1);
  }
  return spans;
}

/**
 * Where the value of a field starts in a JSON object, or -1. Of a name that is there twice, the
 * last one, as `JSON.parse` has it.
 */
export function fieldStart(json: Uint8Array, name: string): number {
  let found = -1;
  let at = skipSpace(json, skipSpace(json, 0) + 1);
  while (json[at] === QUOTE) {
    const keyEnd = skipString(json, at);
    const key: unknown = JSON.parse(decoder.decode(json.subarray(at, keyEnd)));
    const valueStart = skipSpace(json, skipSpace(json, keyEnd) + 1);
    if (key === name) found = valueStart;
    at = skipSpace(json, skipValue(json, valueStart));
    if (json[at] === COMMA) at = skipSpace(json, at + 1);
  }
  return found;
}

/** The text without white space around it. */
export function trimSpace(json: Uint8Array): Uint8Array {
  const start = skipSpace(json, 0);
  let end = json.length;
  while (end > start && isSpace(json[end - 1])) end -= 1;
  return json.subarray(start, end);
}

function isSpace(byte: number | undefined): boolean {
  return byte === SPACE || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function skipSpace(json: Uint8Array, start: number): number {
  let at = start;
  while (isSpace(json[at])) at += 1;
  return at;
}

/** From an opening quote to behind the closing one. */
function skipString(json: Uint8Array, start: number): number {
  let at = start + 1;
  while (at < json.length && json[at] !== QUOTE) at += json[at] === BACKSLASH ? 2 : 1;
  return at + 1;
}

/** From the first byte of a value to behind its last. */
function skipValue(json: Uint8Array, start: number): number {
  const first = json[start];
  if (first === QUOTE) return skipString(json, start);
  if (first === OPEN_BRACE || first === OPEN_BRACKET) return skipNested(json, start);
  let at = start;
  while (at < json.length && !endsWord(json[at])) at += 1;
  return at;
}

/** From an opening bracket to behind its own closing one. Counts, so nesting costs no stack. */
function skipNested(json: Uint8Array, start: number): number {
  let depth = 0;
  let at = start;
  while (at < json.length) {
    const byte = json[at];
    if (byte === QUOTE) {
      at = skipString(json, at);
      continue;
    }
    at += 1;
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth += 1;
    if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth -= 1;
    if (depth === 0) return at;
  }
  return at;
}

function endsWord(byte: number | undefined): boolean {
  return byte === COMMA || byte === CLOSE_BRACE || byte === CLOSE_BRACKET || isSpace(byte);
}

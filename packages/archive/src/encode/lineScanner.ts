/**
 * Reads stored events from their bytes without making objects of them: the form in which the edge
 * writes them, which is JSON without white space, with plain ASCII in its strings. Any other line is
 * left to `JSON.parse` and the schema; `lineScanner.property.test.ts` holds both equal.
 */
import { DEVICES, EVENT_FLAGS, EVENT_TYPES, type EventFlag } from "@trueclick/shared/event/stored";
import { FIELD_KINDS, LIMITS, placeOf, REQUIRED_BITS, SCANNED } from "./scannedFields.ts";
import { byteClass, findPlace, findWord, isAt, type WordTable, wordTable } from "./words.ts";

const EVENT_TYPE = placeOf("event_type");
const EVENT_ID = placeOf("event_id");
const DEVICE = placeOf("device");
const SCHEMA_VERSION = placeOf("schema_version");

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const FIRST_PRINTABLE = 0x20;
const FIRST_NOT_ASCII = 0x80;
/** As many digits are exact as a Number. */
const DIGITS_MAX = 15;
/** Larger than any nesting that the edge lets through. */
const DEPTH_MAX = 64;

const KEYS = wordTable(SCANNED);
const KEY_TEXTS: readonly Buffer[] = SCANNED.map((field) => Buffer.from(`"${field}":`));
const TYPE_WORDS = wordTable(EVENT_TYPES);
const DEVICE_WORDS = wordTable(DEVICES);
const FLAG_WORDS = wordTable(EVENT_FLAGS);
const EVENT_ID_BYTES = byteClass(/[A-Za-z0-9_.:-]/);
/** What each byte outside of texts adds to the depth. */
const NESTING = Int8Array.from({ length: 256 }, (_, byte) => {
  if (byte === OPEN_BRACE || byte === OPEN_BRACKET) return 1;
  return byte === CLOSE_BRACE || byte === CLOSE_BRACKET ? -1 : 0;
});
/** Would not come back from the schema as it went in. */
const PROTO = Buffer.from("__proto__");

/** The fields of the last line that it could read, as places in its bytes. */
export class LineScanner {
  /** First and behind the last byte of a text, an object or `flags`, by place in `SCANNED`. */
  readonly starts = new Int32Array(SCANNED.length);
  readonly ends = new Int32Array(SCANNED.length);
  /** Numbers, and 1 or 0 for `test`. */
  readonly numbers = new Float64Array(SCANNED.length);
  readonly flags: EventFlag[] = [];
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  #end = 0;
  #seen = 0;
  /** The field before this one; behind the last of them at the start of a line. */
  #previous: number = SCANNED.length;
  /** By field, the one that came after it last; -1 before any did. */
  readonly #following = new Int8Array(SCANNED.length + 1).fill(-1);

  /** Whether the line has a field. */
  has(place: number): boolean {
    return (this.#seen & (1 << place)) !== 0;
  }

  /** Whether it could; if not, the line may still be an event, and nothing here is of it. */
  scan(bytes: Buffer, start: number, end: number): boolean {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    this.#seen = 0;
    this.#previous = SCANNED.length;
    this.flags.length = 0;
    if (!this.#take(OPEN_BRACE)) return false;
    do {
      if (!this.#member()) return false;
    } while (this.#take(COMMA));
    return this.#take(CLOSE_BRACE) && this.#at === end && this.#isValid();
  }

  #isValid(): boolean {
    if ((this.#seen & REQUIRED_BITS) !== REQUIRED_BITS) return false;
    for (const [place, least, most] of LIMITS) {
      if (!this.has(place)) continue;
      const length = this.#length(place);
      if (length < least || length > most) return false;
    }
    for (let at = this.starts[EVENT_ID] ?? 0; at < (this.ends[EVENT_ID] ?? 0); at += 1) {
      if (EVENT_ID_BYTES[this.#bytes[at] ?? 0] !== 1) return false;
    }
    return (
      (this.numbers[SCHEMA_VERSION] ?? 0) >= 1 &&
      this.#word(TYPE_WORDS, EVENT_TYPE) !== undefined &&
      this.#word(DEVICE_WORDS, DEVICE) !== undefined
    );
  }

  #length(place: number): number {
    return (this.ends[place] ?? 0) - (this.starts[place] ?? 0);
  }

  #word<Word extends string>(words: WordTable<Word>, place: number): Word | undefined {
    return findWord(words, this.#bytes, this.starts[place] ?? 0, this.ends[place] ?? 0);
  }

  #member(): boolean {
    const place = this.#key();
    // Unknown fields, and a field that comes twice, are for the schema.
    if (place < 0 || this.has(place)) return false;
    this.#seen |= 1 << place;
    this.#previous = place;
    return this.#value(place);
  }

  /** The place of the field that begins here, -1 if it is none; goes behind its colon. */
  #key(): number {
    // One program writes its fields in one order: the one that came next will come next.
    const guess = this.#following[this.#previous] ?? -1;
    const expected = KEY_TEXTS[guess];
    if (expected !== undefined && isAt(expected, this.#bytes, this.#at)) {
      this.#at += expected.length;
      return guess;
    }
    if (!this.#take(QUOTE)) return -1;
    const start = this.#at;
    if (!this.#skipText()) return -1;
    const place = findPlace(KEYS, this.#bytes, start, this.#at - 1);
    this.#following[this.#previous] = place;
    return this.#take(COLON) ? place : -1;
  }

  #value(place: number): boolean {
    switch (FIELD_KINDS[place]) {
      case "int":
        return this.#int(place);
      case "bool":
        return this.#bool(place);
      case "flags":
        return this.#flags(place);
      case "object":
        return this.#object(place);
      default:
        if (!this.#take(QUOTE)) return false;
        this.starts[place] = this.#at;
        if (!this.#skipText()) return false;
        this.ends[place] = this.#at - 1;
        return true;
    }
  }

  /** Goes behind the quote that ends a text of printable ASCII without escapes. */
  #skipText(): boolean {
    const bytes = this.#bytes;
    for (let at = this.#at; at < this.#end; at += 1) {
      const byte = bytes[at] ?? 0;
      if (byte === QUOTE) {
        this.#at = at + 1;
        return true;
      }
      if (byte === BACKSLASH || byte < FIRST_PRINTABLE || byte >= FIRST_NOT_ASCII) return false;
    }
    return false;
  }

  #int(place: number): boolean {
    const isNegative = this.#take(MINUS);
    const start = this.#at;
    let value = 0;
    for (let byte = this.#peek(); byte >= ZERO && byte <= NINE; byte = this.#peek()) {
      value = value * 10 + (byte - ZERO);
      this.#at += 1;
    }
    const digits = this.#at - start;
    if (digits === 0 || digits > DIGITS_MAX) return false;
    if (digits > 1 && this.#bytes[start] === ZERO) return false;
    // A negative zero is 0 in a column.
    this.numbers[place] = isNegative && value !== 0 ? -value : value;
    return true;
  }

  #bool(place: number): boolean {
    for (const [word, value] of BOOLEANS) {
      const end = this.#at + word.length;
      if (end > this.#end || word.compare(this.#bytes, this.#at, end) !== 0) continue;
      this.numbers[place] = value;
      this.#at = end;
      return true;
    }
    return false;
  }

  #flags(place: number): boolean {
    if (!this.#take(OPEN_BRACKET)) return false;
    this.starts[place] = this.#at;
    while (this.#take(QUOTE)) {
      const start = this.#at;
      if (!this.#skipText()) return false;
      const flag = findWord(FLAG_WORDS, this.#bytes, start, this.#at - 1);
      if (flag === undefined) return false;
      this.flags.push(flag);
      if (!this.#take(COMMA)) break;
      if (this.#peek() !== QUOTE) return false;
    }
    this.ends[place] = this.#at;
    return this.#take(CLOSE_BRACKET);
  }

  /** Finds the end of an object; what is in it is for `JSON.parse`. */
  #object(place: number): boolean {
    const start = this.#at;
    if (this.#peek() !== OPEN_BRACE) return false;
    let depth = 0;
    do {
      const byte = this.#peek();
      this.#at += 1;
      depth += NESTING[byte] ?? 0;
      if (byte === QUOTE ? !this.#skipText() : byte >= FIRST_NOT_ASCII) return false;
      if (depth > DEPTH_MAX || this.#at > this.#end) return false;
    } while (depth > 0);
    this.starts[place] = start;
    this.ends[place] = this.#at;
    return !this.#bytes.subarray(start, this.#at).includes(PROTO);
  }

  #peek(): number {
    return this.#at < this.#end ? (this.#bytes[this.#at] ?? 0) : 0;
  }

  #take(byte: number): boolean {
    if (this.#peek() !== byte) return false;
    this.#at += 1;
    return true;
  }
}

const BOOLEANS = [
  [Buffer.from("true"), 1],
  [Buffer.from("false"), 0],
] as const;

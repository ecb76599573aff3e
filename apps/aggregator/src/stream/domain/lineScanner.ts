import { DEVICES, EVENT_TYPES } from "@trueclick/shared/event/stored";
import { BytePattern } from "./bytePattern.ts";
import { EventSpans } from "./eventSpans.ts";
import { FlagSets } from "./flagSets.ts";
import {
  FIELD_COUNT,
  fieldAt,
  KEYS,
  KIND,
  KINDS,
  LENGTHS_MAX,
  REQUIRED_BITS,
} from "./storedFields.ts";

/** What `scan` answers for a line that it leaves to the plain parser. */
export const UNUSUAL = -1;

const QUOTE = 0x22;
const COMMA = 0x2c;
const ZERO = 0x30;
const NINE = 0x39;
const OPEN = 0x7b;
const CLOSE = 0x7d;

const EVENT_ID_LENGTH_MIN = 8;
const EVENT_ID_LENGTH_MAX = 64;
/** Digits of an integer that is exact whatever they are. */
const DIGITS_MAX = 15;
/** Digits of an epoch time in milliseconds, until the year 2286. */
const EPOCH_MS_DIGITS = 13;

/** Each byte of a word by itself; see `plainMask`. */
const HIGH_BITS = 0x80808080 | 0;
const ONES = 0x01010101;
const SPACES = 0x20202020;
const QUOTES = 0x22222222;
const BACKSLASHES = 0x5c5c5c5c;

const EVENT_ID = fieldAt("event_id");
const GEO = fieldAt("geo");
const DEVICE = fieldAt("device");

const TYPE_WORDS = EVENT_TYPES.map((word) => new BytePattern(`"${word}"`));
const DEVICE_WORDS = DEVICES.map((word) => new BytePattern(`"${word}"`));
const TRUE = new BytePattern("true");
const FALSE = new BytePattern("false");

/** 1 for the bytes that an event id may have. */
const ID_BYTES = Uint8Array.from({ length: 256 }, (_none, byte) => {
  return /[A-Za-z0-9_.:-]/.test(String.fromCharCode(byte)) && byte < 0x80 ? 1 : 0;
});

/**
 * Reads stored events from the bytes of a block without making an object of any.
 *
 * It reads what the edge writes: one flat object without spaces between its parts, printable ASCII
 * without escapes, each field once. Whatever else a line is, right or wrong, is `UNUSUAL`, and the
 * caller asks `parseStreamEvent`. So it never decides that a line is no event, and what it does
 * read, it reads as `JSON.parse` does; a property test holds it to both.
 */
export class LineScanner {
  readonly spans = new EventSpans();
  readonly #flagSets = new FlagSets();
  /** Which field followed each when it was last seen; senders keep to one order. */
  readonly #next = Uint8Array.from({ length: FIELD_COUNT + 1 }, (_none, at) => at % FIELD_COUNT);
  #bytes = this.spans.bytes;
  #view = this.spans.view;
  #number = 0;
  #device = 0;

  /** Turns to another block. */
  open(block: Uint8Array): void {
    this.#bytes = block;
    this.#view = new DataView(block.buffer, block.byteOffset, block.byteLength);
  }

  /** Reads the line at `start` into `spans`: where it ends, or `UNUSUAL`. */
  scan(start: number): number {
    const bytes = this.#bytes;
    const next = this.#next;
    const { spans } = this;
    if (bytes[start] !== OPEN) return UNUSUAL;
    spans.bytes = bytes;
    spans.view = this.#view;
    spans.clearOptional();

    let at = start;
    let seen = 0;
    // The place after the last field stands for the start of a line.
    let before: number = FIELD_COUNT;
    do {
      at += 1;
      let field = next[before] ?? 0;
      if (!KEYS[field]?.isAt(this.#view, at)) {
        field = this.#fieldAt(at);
        if (field === UNUSUAL) return UNUSUAL;
        next[before] = field;
      }
      const bit = 1 << field;
      // Of a field that is there twice, JSON takes the last.
      if ((seen & bit) !== 0) return UNUSUAL;
      seen |= bit;
      at = this.#value(field, at + (KEYS[field]?.length ?? 0));
      if (at === UNUSUAL) return UNUSUAL;
      before = field;
    } while (bytes[at] === COMMA);
    return bytes[at] === CLOSE && (seen & REQUIRED_BITS) === REQUIRED_BITS ? at + 1 : UNUSUAL;
  }

  #fieldAt(at: number): number {
    return KEYS.findIndex((key) => key.isAt(this.#view, at));
  }

  /** Where the value ends. */
  #value(field: number, at: number): number {
    switch (KINDS[field]) {
      case KIND.text:
        return this.#text(field, at);
      case KIND.integer:
        return this.#integer(at);
      case KIND.version:
        return this.#version(at);
      case KIND.eventId:
        return this.#eventId(at);
      case KIND.eventType:
        return this.#eventType(at);
      case KIND.eventTime:
        return this.#eventTime(at);
      case KIND.device:
        return this.#deviceWord(at);
      case KIND.geo:
        return this.#geo(at);
      case KIND.flags:
        return this.#flags(at);
      case KIND.test:
        return this.#test(at);
      case KIND.source:
        return this.#bytes[at + 1] === QUOTE ? UNUSUAL : this.#text(field, at);
      default:
        return UNUSUAL;
    }
  }

  #text(field: number, at: number): number {
    const bytes = this.#bytes;
    const start = at + 1;
    const end = this.#plainEnd(start);
    if (bytes[at] !== QUOTE || bytes[end] !== QUOTE) return UNUSUAL;
    if (end - start > (LENGTHS_MAX[field] ?? 0)) return UNUSUAL;
    this.spans.starts[field] = start;
    this.spans.ends[field] = end;
    return end + 1;
  }

  /** The first byte from `at` on that is not printable ASCII, or is a quote or a backslash. */
  #plainEnd(from: number): number {
    const bytes = this.#bytes;
    const view = this.#view;
    const lastWord = view.byteLength - 4;
    let at = from;
    for (; at <= lastWord; at += 4) {
      const odd = ~plainMask(view.getInt32(at, true)) & HIGH_BITS;
      if (odd !== 0) return at + ((31 - Math.clz32(odd & -odd)) >> 3);
    }
    while (at < bytes.length && isPlain(bytes[at] ?? 0)) at += 1;
    return at;
  }

  #eventId(at: number): number {
    const bytes = this.#bytes;
    const start = at + 1;
    let end = start;
    while (ID_BYTES[bytes[end] ?? 0] === 1) end += 1;
    const length = end - start;
    if (bytes[at] !== QUOTE || bytes[end] !== QUOTE) return UNUSUAL;
    if (length < EVENT_ID_LENGTH_MIN || length > EVENT_ID_LENGTH_MAX) return UNUSUAL;
    this.spans.starts[EVENT_ID] = start;
    this.spans.ends[EVENT_ID] = end;
    return end + 1;
  }

  #eventTime(at: number): number {
    const end = this.#integer(at);
    this.spans.eventTimeMs = this.#number;
    return end;
  }

  #version(at: number): number {
    const end = this.#integer(at);
    return this.#number >= 1 ? end : UNUSUAL;
  }

  /** Digits alone; a sign, a fraction, an exponent or a leading zero is unusual. */
  #integer(at: number): number {
    const bytes = this.#bytes;
    if (at + EPOCH_MS_DIGITS + 1 < bytes.length && this.#epochMs(at)) return at + EPOCH_MS_DIGITS;
    let value = 0;
    let end = at;
    for (; end - at <= DIGITS_MAX; end += 1) {
      const byte = bytes[end] ?? 0;
      if (byte < ZERO || byte > NINE) break;
      value = 10 * value + (byte - ZERO);
    }
    const length = end - at;
    if (length === 0 || length > DIGITS_MAX) return UNUSUAL;
    if (bytes[at] === ZERO && length > 1) return UNUSUAL;
    this.#number = value;
    return end;
  }

  /** Whether a number of exactly 13 digits lies here; they are read four at once. */
  #epochMs(at: number): boolean {
    const view = this.#view;
    const bytes = this.#bytes;
    const after = bytes[at + EPOCH_MS_DIGITS];
    const last = (bytes[at + EPOCH_MS_DIGITS - 1] ?? 0) - ZERO;
    if ((after !== COMMA && after !== CLOSE) || last < 0 || last > 9) return false;
    const first = fourDigits(view.getInt32(at, true));
    const second = fourDigits(view.getInt32(at + 4, true));
    const third = fourDigits(view.getInt32(at + 8, true));
    if (first < 1_000 || second < 0 || third < 0) return false;
    this.#number = (first * 10_000 + second) * 100_000 + (third * 10 + last);
    return true;
  }

  #eventType(at: number): number {
    const type = this.#wordAt(TYPE_WORDS, this.spans.eventType, at);
    if (type === UNUSUAL) return UNUSUAL;
    this.spans.eventType = type;
    return at + (TYPE_WORDS[type]?.length ?? 0);
  }

  #deviceWord(at: number): number {
    const device = this.#wordAt(DEVICE_WORDS, this.#device, at);
    if (device === UNUSUAL) return UNUSUAL;
    this.#device = device;
    const end = at + (DEVICE_WORDS[device]?.length ?? 0);
    this.spans.starts[DEVICE] = at + 1;
    this.spans.ends[DEVICE] = end - 1;
    return end;
  }

  /** Which of the words lies here. The one of the event before is the likeliest. */
  #wordAt(words: readonly BytePattern[], likely: number, at: number): number {
    if (words[likely]?.isAt(this.#view, at)) return likely;
    for (let word = 0; word < words.length; word += 1) {
      if (words[word]?.isAt(this.#view, at)) return word;
    }
    return UNUSUAL;
  }

  #geo(at: number): number {
    const bytes = this.#bytes;
    if (bytes[at] !== QUOTE || bytes[at + 3] !== QUOTE) return UNUSUAL;
    if (!isPlain(bytes[at + 1] ?? 0) || !isPlain(bytes[at + 2] ?? 0)) return UNUSUAL;
    this.spans.starts[GEO] = at + 1;
    this.spans.ends[GEO] = at + 3;
    return at + 4;
  }

  #flags(at: number): number {
    const end = this.#flagSets.endOf(this.#bytes, this.#view, at);
    this.spans.flagSet = this.#flagSets.found;
    return end;
  }

  #test(at: number): number {
    const isTrue = TRUE.isAt(this.#view, at);
    if (!isTrue && !FALSE.isAt(this.#view, at)) return UNUSUAL;
    this.spans.test = isTrue;
    return at + (isTrue ? TRUE.length : FALSE.length);
  }
}

/**
 * The high bit of each byte that is printable ASCII and neither a quote nor a backslash. Of a byte
 * below 0x80, subtracting from it with its high bit set never borrows from the next.
 */
function plainMask(word: number): number {
  return (
    ((word | HIGH_BITS) - SPACES) &
    (((word ^ QUOTES) | HIGH_BITS) - ONES) &
    (((word ^ BACKSLASHES) | HIGH_BITS) - ONES) &
    ~word
  );
}

function isPlain(byte: number): boolean {
  return byte >= 0x20 && byte < 0x80 && byte !== 0x22 && byte !== 0x5c;
}

/** The number that four ASCII digits in little-endian order spell; -1 if one is no digit. */
function fourDigits(word: number): number {
  const digits = word ^ 0x30303030;
  if ((((digits + 0x76767676) | digits) & HIGH_BITS) !== 0) return -1;
  const pairs = Math.imul(digits, 10) + (digits >>> 8);
  return (pairs & 0xff) * 100 + ((pairs >>> 16) & 0xff);
}

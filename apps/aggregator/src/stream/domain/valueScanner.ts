import { DEVICES, EVENT_TYPES } from "@trueclick/shared/event/stored";
import { BytePattern } from "./bytePattern.ts";
import { EventSpans } from "./eventSpans.ts";
import { FlagSets } from "./flagSets.ts";
import { NO_WORD, QuotedWords } from "./quotedWords.ts";
import { EPOCH_MS_DIGITS, fieldAt, KIND } from "./storedFields.ts";

/** What is answered for a value, or a line, that is left to the plain parser. */
export const UNUSUAL = -1;

const COMMA = 0x2c;
const ZERO = 0x30;
const NINE = 0x39;
const CLOSE = 0x7d;

/** Digits of an integer that is exact whatever they are. */
const DIGITS_MAX = 15;

const HIGH_BITS = 0x80808080 | 0;

const DEVICE = fieldAt("device");

const TYPE_WORDS = new QuotedWords(EVENT_TYPES);
const DEVICE_WORDS = new QuotedWords(DEVICES);
const TRUE = new BytePattern("true");
const FALSE = new BytePattern("false");

/** Reads the values that are more than a text, or other than one, into `spans`. */
export class ValueScanner {
  spans = new EventSpans();
  readonly #flagSets = new FlagSets();
  #bytes = this.spans.bytes;
  #view = this.spans.view;
  #number = 0;

  /** Turns to the bytes of an event. At least 16 more may be read behind each value. */
  open(bytes: Uint8Array, view: DataView): void {
    this.#bytes = bytes;
    this.#view = view;
    this.spans.bytes = bytes;
    this.spans.view = view;
    this.spans.clearOptional();
  }

  /** Where a value ends that begins at `at`; `UNUSUAL` if it is not plainly one of its kind. */
  value(kind: number, at: number): number {
    switch (kind) {
      case KIND.integer:
        return this.#integer(at);
      case KIND.version:
        return this.#version(at);
      case KIND.eventType:
        return this.#eventType(at);
      case KIND.eventTime:
        return this.#eventTime(at);
      case KIND.device:
        return this.#deviceWord(at);
      case KIND.flags:
        return this.#flags(at);
      case KIND.test:
        return this.#test(at);
      default:
        return UNUSUAL;
    }
  }

  /** Whether a value of that kind lies there, and nothing else. */
  isValue(kind: number, at: number, end: number): boolean {
    switch (kind) {
      case KIND.integer:
        return this.#isInteger(at, end);
      case KIND.version:
        return this.#isInteger(at, end) && this.#number >= 1;
      case KIND.eventTime: {
        const isNumber = this.#isInteger(at, end);
        this.spans.eventTimeMs = this.#number;
        return isNumber;
      }
      case KIND.eventType:
        return this.#takeType(TYPE_WORDS.find(this.#view, at, end), end) === end;
      case KIND.device:
        return this.#takeDevice(DEVICE_WORDS.find(this.#view, at, end), at, end) === end;
      default:
        return this.value(kind, at) === end;
    }
  }

  #isInteger(at: number, end: number): boolean {
    const digit = (this.#bytes[at] ?? 0) - ZERO;
    if (end - at === 1 && digit >= 0 && digit <= 9) {
      this.#number = digit;
      return true;
    }
    return this.#integer(at) === end;
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
    const type = TYPE_WORDS.at(this.#view, at);
    return this.#takeType(type, at + TYPE_WORDS.lengthOf(type));
  }

  #deviceWord(at: number): number {
    const device = DEVICE_WORDS.at(this.#view, at);
    return this.#takeDevice(device, at, at + DEVICE_WORDS.lengthOf(device));
  }

  #takeType(type: number, end: number): number {
    if (type === NO_WORD) return UNUSUAL;
    this.spans.eventType = type;
    return end;
  }

  #takeDevice(device: number, at: number, end: number): number {
    if (device === NO_WORD) return UNUSUAL;
    this.spans.starts[DEVICE] = at + 1;
    this.spans.ends[DEVICE] = end - 1;
    return end;
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

/** The number that four ASCII digits in little-endian order spell; -1 if one is no digit. */
function fourDigits(word: number): number {
  const digits = word ^ 0x30303030;
  if ((((digits + 0x76767676) | digits) & HIGH_BITS) !== 0) return -1;
  const pairs = Math.imul(digits, 10) + (digits >>> 8);
  return (pairs & 0xff) * 100 + ((pairs >>> 16) & 0xff);
}

/**
 * The fields of an event that have no meaning here, and those of its own `ext`: the names and places
 * of what becomes the stored `ext`, as `parseEnvelope` gathers it.
 */
import { NOT_JSON } from "../jsonScan.ts";
import { PlainValue, pastSpace, plainTextEnd } from "./values.ts";

/** An event with more goes the long way: names are compared each with each. */
const EXT_FIELDS_MAX = 16;

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const CLOSE_BRACE = 0x7d;
const ZERO = 0x30;
const NINE = 0x39;

/** Past the colon behind a field's name, to the first byte of its value; or `NOT_JSON`. */
export function plainValueStart(json: Uint8Array, nameEnd: number): number {
  const colon = pastSpace(json, nameEnd + 1);
  return json[colon] === COLON ? pastSpace(json, colon + 1) : NOT_JSON;
}

export class ExtFields {
  /** Of the opening quotes of names, and of values; `[start, end)`. */
  readonly nameStart = new Int32Array(EXT_FIELDS_MAX);
  readonly nameEnd = new Int32Array(EXT_FIELDS_MAX);
  readonly valueStart = new Int32Array(EXT_FIELDS_MAX);
  readonly valueEnd = new Int32Array(EXT_FIELDS_MAX);
  count = 0;
  /** Fields of the sender's own `ext` come last, wherever it stands; they are those before this. */
  ownFrom = 0;
  ownTo = 0;
  readonly #value = new PlainValue();

  clear(): void {
    this.count = 0;
    this.ownFrom = 0;
    this.ownTo = 0;
  }

  /**
   * Adds a field with a plain value.
   *
   * @param words Of `json`.
   * @param nameEnd Of the name's closing quote.
   * @returns Where the value ends, or `NOT_JSON` when it is not plain.
   */
  add(
    json: Uint8Array,
    words: DataView,
    nameStart: number,
    nameEnd: number,
    valueStart: number,
  ): number {
    const index = this.count;
    const first = json[nameStart + 1] ?? 0;
    // An object lists names that are numbers before all others.
    if (index === EXT_FIELDS_MAX || (first >= ZERO && first <= NINE)) return NOT_JSON;
    if (!this.#value.read(json, words, valueStart)) return NOT_JSON;
    this.nameStart[index] = nameStart;
    this.nameEnd[index] = nameEnd + 1;
    this.valueStart[index] = valueStart;
    this.valueEnd[index] = this.#value.end;
    this.count = index + 1;
    return this.#value.end;
  }

  /** Adds the fields of the object at `start`; returns where it ends, or `NOT_JSON`. */
  addOwn(json: Uint8Array, words: DataView, start: number): number {
    this.ownFrom = this.count;
    let at = pastSpace(json, start + 1);
    let byte = json[at] === CLOSE_BRACE ? CLOSE_BRACE : COMMA;
    if (byte === COMMA) at -= 1;
    while (byte === COMMA) {
      at = this.#addNext(json, words, pastSpace(json, at + 1));
      if (at === NOT_JSON) return NOT_JSON;
      byte = json[at] ?? 0;
    }
    this.ownTo = this.count;
    return byte === CLOSE_BRACE ? at + 1 : NOT_JSON;
  }

  /** Adds the field whose name begins at a place; returns where the text goes on behind it. */
  #addNext(json: Uint8Array, words: DataView, nameStart: number): number {
    const nameEnd = json[nameStart] === QUOTE ? plainTextEnd(json, nameStart + 1) : NOT_JSON;
    const valueStart = nameEnd === NOT_JSON ? NOT_JSON : plainValueStart(json, nameEnd);
    if (valueStart === NOT_JSON) return NOT_JSON;
    const valueEnd = this.add(json, words, nameStart, nameEnd, valueStart);
    return valueEnd === NOT_JSON ? NOT_JSON : pastSpace(json, valueEnd);
  }

  /** Whether a name is there twice: then one would win, or both be kept apart. */
  hasNameTwice(json: Uint8Array): boolean {
    for (let left = 1; left < this.count; left += 1) {
      for (let right = 0; right < left; right += 1) {
        if (this.#isSameName(json, left, right)) return true;
      }
    }
    return false;
  }

  #isSameName(json: Uint8Array, left: number, right: number): boolean {
    const start = this.nameStart[left] ?? 0;
    const otherStart = this.nameStart[right] ?? 0;
    const length = (this.nameEnd[left] ?? 0) - start;
    if (length !== (this.nameEnd[right] ?? 0) - otherStart) return false;
    for (let index = 0; index < length; index += 1) {
      if (json[start + index] !== json[otherStart + index]) return false;
    }
    return true;
  }
}

import type { LineIndex } from "@trueclick/shared/event/lineIndex";
import type { EventSpans } from "./eventSpans.ts";
import { type LineShapes, sharedLineShapes } from "./lineShapes.ts";
import type { LineShape } from "./shapeFields.ts";
import {
  FIELD_COUNT,
  FIELDS,
  type FieldName,
  fieldAt,
  isQuoted,
  KEYS,
  KIND,
  KINDS,
  LENGTH_UNLIMITED,
  LENGTHS_MAX,
  LENGTHS_MIN,
  REQUIRED_BITS,
} from "./storedFields.ts";
import { UNUSUAL, ValueScanner } from "./valueScanner.ts";

const LINE_FEED = 0x0a;
const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN = 0x7b;
const CLOSE = 0x7d;

/** Of a key. */
const KEY_QUOTES = 2;

const EVENT_ID = fieldAt("event_id");
/** From the special byte that a shape knows to where the value begins. */
const OFFSETS = Uint8Array.from(FIELDS, (_field, at) => (isQuoted(at) ? 0 : 2));
/** Every field, in the order of `FIELDS`. */
export const ALL_FIELDS: readonly FieldName[] = FIELDS.map(({ name }) => name);

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
 *
 * A line that has the shape of an earlier one, which nearly all have, is read at once; any other is
 * read field by field, and its shape is learnt.
 */
export class LineScanner {
  readonly #values = new ValueScanner();
  readonly #shapes: LineShapes;
  /** Which field followed each when it was last seen; senders keep to one order. */
  readonly #next = Uint8Array.from({ length: FIELD_COUNT + 1 }, (_none, at) => at % FIELD_COUNT);
  /** Places in `FIELDS` of what is looked at in a line whose shape is known. */
  readonly #texts: Uint8Array;
  readonly #others: Uint8Array;
  /** The fields of the line that was read last, and the first special byte of the key of each. */
  readonly #read = new Uint8Array(FIELD_COUNT);
  readonly #keys = new Uint8Array(FIELD_COUNT);
  #block = this.spans.bytes;

  /**
   * @param wanted The fields that are read; what `spans` says of others means nothing. They are
   *   judged where a line is read field by field, and passed over where its shape is known, as are
   *   texts that may be of any length: nothing reads those.
   * @param shapes The process's own, but where a test wants to know what they hold.
   */
  constructor(wanted = ALL_FIELDS, shapes = sharedLineShapes()) {
    this.#shapes = shapes;
    const places = wanted.map(fieldAt);
    this.#texts = Uint8Array.from(places.filter((field) => isText(field) && isLimited(field)));
    this.#others = Uint8Array.from(places.filter((field) => !isText(field)));
  }

  /** The event that was read last. Its bytes are gone when a scanner turns to another block. */
  get spans(): EventSpans {
    return this.#values.spans;
  }

  /** Reads the next events into these. */
  readInto(spans: EventSpans): void {
    this.#values.spans = spans;
  }

  /** Turns to another block. */
  open(block: Uint8Array): void {
    this.#block = block;
    this.#shapes.index.load(block);
  }

  /** The line index, with the block that this reads. */
  get index(): LineIndex {
    const { index } = this.#shapes;
    // Scanners share the index, and another may have turned to a block of its own.
    if (!index.holds(this.#block)) index.load(this.#block);
    return index;
  }

  /** Reads the line at `start` into `spans`: where it ends, or `UNUSUAL`. */
  scan(start: number): number {
    const shapes = this.#shapes;
    const { index } = this;
    const { bytes, positions } = index;
    this.#values.open(bytes, index.view);
    const specials = index.find(start);
    const shape = shapes.shapeOf(specials);
    if (shape !== undefined && positions[0] === start + 1) {
      return this.#atOnce(shape, bytes, positions);
    }
    const isWhole = bytes[positions[specials - 1] ?? 0] === LINE_FEED;
    if (!isWhole || bytes[start] !== OPEN) return UNUSUAL;
    return this.#fieldByField(start, specials);
  }

  /** Reads a line whose keys are known to be there, and nothing between them and the values. */
  #atOnce(shape: LineShape, bytes: Uint8Array, positions: Int32Array): number {
    const feed = positions[shape.specials - 1] ?? 0;
    if (bytes[feed - 1] !== CLOSE || !isLastDone(shape, bytes, feed)) return UNUSUAL;
    if (!this.#areTexts(shape, positions)) return UNUSUAL;
    return this.#areOthers(shape, positions) ? feed : UNUSUAL;
  }

  #areTexts({ values }: LineShape, positions: Int32Array): boolean {
    const { starts, ends } = this.spans;
    const texts = this.#texts;
    for (let at = 0; at < texts.length; at += 1) {
      const field = texts[at] ?? 0;
      const value = values[field] ?? 0;
      if (value === 0) continue;
      const from = (positions[value] ?? 0) + 1;
      const end = positions[value + 1] ?? 0;
      if (!isLength(field, end - from)) return false;
      if (field === EVENT_ID && !this.#shapes.index.isId(value)) return false;
      starts[field] = from;
      ends[field] = end;
    }
    return true;
  }

  /** Each must end where the comma before the next key stands, or the brace. */
  #areOthers({ values, nexts }: LineShape, positions: Int32Array): boolean {
    const others = this.#others;
    for (let at = 0; at < others.length; at += 1) {
      const field = others[at] ?? 0;
      const value = values[field] ?? 0;
      if (value === 0) continue;
      const from = (positions[value] ?? 0) + (OFFSETS[field] ?? 0);
      const end = (positions[nexts[field] ?? 0] ?? 0) - 1;
      if (!this.#values.isValue(KINDS[field] ?? 0, from, end)) return false;
    }
    return true;
  }

  /**
   * Reads field by field, from the brace at `start` on. All quotes of the line are found: a text
   * goes from one to the next, and whatever is in it was looked at when they were.
   */
  #fieldByField(start: number, specials: number): number {
    const { bytes, view, positions } = this.#shapes.index;
    let at = start;
    let seen = 0;
    let fields = 0;
    // Of the first special byte that is not passed.
    let special = 0;
    // The place after the last field stands for the start of a line.
    let before: number = FIELD_COUNT;
    do {
      const field = this.#keyAt(at + 1, before, view);
      const bit = 1 << field;
      // Of a field that is there twice, JSON takes the last.
      if (field === UNUSUAL || (seen & bit) !== 0) return UNUSUAL;
      seen |= bit;
      this.#read[fields] = field;
      this.#keys[fields] = special;
      fields += 1;
      at = this.#valueEnd(field, at + 1 + (KEYS[field]?.length ?? 0), special + KEY_QUOTES);
      if (at === UNUSUAL) return UNUSUAL;
      while ((positions[special] ?? 0) < at) special += 1;
      before = field;
    } while (bytes[at] === COMMA);
    if (bytes[at] !== CLOSE || (seen & REQUIRED_BITS) !== REQUIRED_BITS) return UNUSUAL;
    // What lies between the brace and the line feed, a carriage return, is in no shape.
    if (special === specials - 1 && positions[special] === at + 1) this.#learn(specials, fields);
    return at + 1;
  }

  /** The field whose key lies here; `UNUSUAL` if none does. */
  #keyAt(at: number, before: number, view: DataView): number {
    const likely = this.#next[before] ?? 0;
    if (KEYS[likely]?.isAt(view, at)) return likely;
    const field = KEYS.findIndex((key) => key.isAt(view, at));
    if (field !== UNUSUAL) this.#next[before] = field;
    return field;
  }

  /** Where the value at `at` ends, whose first special byte is the one so named. */
  #valueEnd(field: number, at: number, special: number): number {
    if (!isText(field)) return this.#values.value(KINDS[field] ?? 0, at);
    const { bytes, positions } = this.#shapes.index;
    const from = at + 1;
    const end = positions[special + 1] ?? 0;
    if (bytes[at] !== QUOTE || bytes[end] !== QUOTE || !isLength(field, end - from)) return UNUSUAL;
    if (field === EVENT_ID && !isId(bytes, from, end)) return UNUSUAL;
    this.spans.starts[field] = from;
    this.spans.ends[field] = end;
    return end + 1;
  }

  #learn(specials: number, fields: number): void {
    if (!this.#shapes.isWanted(specials)) return;
    const keys = this.#keys;
    const read = [...this.#read.subarray(0, fields)];
    this.#shapes.learn(
      specials,
      read.map((field, at) => ({ field, key: keys[at] ?? 0 })),
    );
  }
}

/**
 * Whether a last text ends with a quote at the brace before the line feed: nothing stands between them,
 * and what ends it is no other special byte. The key that follows says so of the texts before it.
 */
function isLastDone({ lastField }: LineShape, bytes: Uint8Array, feed: number) {
  return !isQuoted(lastField) || bytes[feed - 2] === QUOTE;
}

function isLength(field: number, length: number): boolean {
  return length >= (LENGTHS_MIN[field] ?? 0) && length <= (LENGTHS_MAX[field] ?? 0);
}

/** Whether a text must be of some length. */
function isLimited(field: number): boolean {
  return (LENGTHS_MIN[field] ?? 0) > 0 || (LENGTHS_MAX[field] ?? 0) < LENGTH_UNLIMITED;
}

function isText(field: number): boolean {
  return (KINDS[field] ?? 0) <= KIND.eventId;
}

function isId(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end && ID_BYTES[bytes[at] ?? 0] === 1) at += 1;
  return at === end;
}

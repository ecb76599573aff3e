import { IdLog } from "./idLog.ts";

/** What the set says of an id. */
export const FIRST = 0;
export const DUPLICATE = 1;
export const CONFLICT = 2;

const WORD_BITS = 32;
/** Slots of a table: more as it fills, until it is divided. */
const SLOTS_MIN = 64;
const SLOTS_MAX = 131_072;
const LOAD_MAX = 0.8;
/** Only hashes that nobody can bring about would need more. */
const DIRECTORY_BITS_MAX = 16;

/** A slot: twelve bits of the id, and its place in the log + 1; 0 is free. */
const PLACE_BITS = 0x000fffff;
const TAG_BITS = 0xfff00000 | 0;

/** The last word of an id: eight bits more of it, and the payload's, which are odd. */
const ID_BITS = 0xff000000 | 0;
const PAYLOAD_BITS = 0x00ffffff;

/** A part of the ids, whose hashes begin with the same bits. */
interface Table {
  readonly slots: Int32Array;
  readonly log: IdLog;
  /** How many bits these are. */
  readonly bits: number;
}

/**
 * The ids of one window, each as 104 bits of a keyed hash, with 23 bits of what its first event
 * said. They lie one behind the other, 16 bytes each; where, is said by a table of words that is
 * probed from slot to slot.
 *
 * A table that is full is divided by one more bit of the hash (extendible hashing, Fagin et al. 1979), so that no
 * growth copies more than a table, and none needs twice the memory.
 */
export class IdSet {
  #directory: Table[] = [{ slots: new Int32Array(SLOTS_MIN), log: new IdLog(), bits: 0 }];
  /** The slots of the directory's tables, which are wanted in as few steps as can be. */
  #slots = this.#directory.map(({ slots }) => slots);
  /** Bits of a hash that the directory looks at. */
  #bits = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Bytes held. */
  get byteLength(): number {
    const words = [...new Set(this.#directory)].map(({ slots, log }) => slots.length + log.words);
    return words.reduce((sum, each) => sum + each, 0) * Int32Array.BYTES_PER_ELEMENT;
  }

  /**
   * The first of two looks at where an id would be, which change nothing: many ids are looked at before
   * the first is admitted, so that the processor waits for memory once, not once for each.
   *
   * @returns What to give to `lookAtLog`.
   */
  lookAtSlot(word0: number): number {
    const slots = this.#slots[this.#placeOf(word0)] ?? nowhere();
    return slots[word0 & (slots.length - 1)] ?? 0;
  }

  /** The second look, which is for ids that are likely to be here. Its answer means nothing. */
  lookAtLog(word0: number, word1: number, slot: number): number {
    if (((slot ^ word1) & TAG_BITS) !== 0 || slot === 0) return 0;
    const { log } = this.#directory[this.#placeOf(word0)] ?? nowhere();
    const place = (slot & PLACE_BITS) - 1;
    return log.chunkOf(place)[log.placeOf(place)] ?? 0;
  }

  /**
   * @param payload A hash of what the event says, its lowest bit set. Its upper 8 bits are left out.
   * @returns Whether the id is here for the first time, with the same payload, or with another.
   */
  admit(word0: number, word1: number, word2: number, word3: number, payload: number): number {
    const table = this.#directory[this.#placeOf(word0)] ?? nowhere();
    const { slots, log } = table;
    const mask = slots.length - 1;
    const last = (word3 & ID_BITS) | (payload & PAYLOAD_BITS);
    let at = word0 & mask;
    for (;;) {
      const slot = slots[at] ?? 0;
      if (slot === 0) break;
      if (((slot ^ word1) & TAG_BITS) === 0) {
        const copy = compare(log, (slot & PLACE_BITS) - 1, word0, word1, word2, last);
        if (copy !== FIRST) return copy;
      }
      at = (at + 1) & mask;
    }
    log.append(word0, word1, word2, last);
    slots[at] = (word1 & TAG_BITS) | log.size;
    this.#size += 1;
    if (log.size > slots.length * LOAD_MAX) this.#makeRoom(table, word0);
    return FIRST;
  }

  #placeOf(word0: number): number {
    // A shift by 32 would be one by 0.
    return this.#bits === 0 ? 0 : word0 >>> (WORD_BITS - this.#bits);
  }

  #makeRoom(table: Table, word0: number): void {
    if (table.slots.length >= SLOTS_MAX && table.bits < DIRECTORY_BITS_MAX) {
      this.#divide(table, word0);
      return;
    }
    if (table.log.size >= PLACE_BITS) throw new RangeError("Too many ids begin with the same bits");
    const slots = new Int32Array(2 * table.slots.length);
    fill(slots, table.log);
    this.#put({ ...table, slots }, word0);
  }

  /** Two tables in the place of one, by the first bit of the hashes that it did not look at. */
  #divide({ slots, log, bits: before }: Table, word0: number): void {
    if (before === this.#bits) {
      this.#directory = this.#directory.flatMap((each) => [each, each]);
      this.#slots = this.#slots.flatMap((each) => [each, each]);
      this.#bits += 1;
    }
    const bits = before + 1;
    const ones = { slots: new Int32Array(slots.length), log: log.divide(WORD_BITS - bits), bits };
    slots.fill(0);
    fill(slots, log);
    fill(ones.slots, ones.log);
    const bit = 1 << (WORD_BITS - bits);
    this.#put({ slots, log, bits }, word0 & ~bit);
    this.#put(ones, word0 | bit);
  }

  /** Puts a table where its ids' hashes lead, which begin as that word does. */
  #put(table: Table, word0: number): void {
    const spread = 2 ** (this.#bits - table.bits);
    const first = table.bits === 0 ? 0 : (word0 >>> (WORD_BITS - table.bits)) * spread;
    this.#directory.fill(table, first, first + spread);
    this.#slots.fill(table.slots, first, first + spread);
  }
}

/** What an id is to the one at that place; `FIRST` if it is another. */
function compare(
  log: IdLog,
  place: number,
  word0: number,
  word1: number,
  word2: number,
  last: number,
): number {
  const chunk = log.chunkOf(place);
  const at = log.placeOf(place);
  const held = chunk[at + 3] ?? 0;
  const isIt = chunk[at] === word0 && chunk[at + 1] === word1 && chunk[at + 2] === word2;
  if (!isIt || ((held ^ last) & ID_BITS) !== 0) return FIRST;
  return held === last ? DUPLICATE : CONFLICT;
}

/** Puts all ids of the log into the slots, which are free. */
function fill(slots: Int32Array, log: IdLog): void {
  const mask = slots.length - 1;
  const { size } = log;
  for (let id = 0; id < size; id += 1) {
    const chunk = log.chunkOf(id);
    const place = log.placeOf(id);
    let at = (chunk[place] ?? 0) & mask;
    while (slots[at] !== 0) at = (at + 1) & mask;
    slots[at] = ((chunk[place + 1] ?? 0) & TAG_BITS) | (id + 1);
  }
}

function nowhere(): never {
  throw new RangeError("The directory has no such table");
}

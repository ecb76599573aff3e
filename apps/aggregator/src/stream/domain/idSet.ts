/** What the set says of an id. */
export const FIRST = 0;
export const DUPLICATE = 1;
export const CONFLICT = 2;

const SLOT_WORDS = 4;
const SLOTS_MIN = 32;
/** Small tables double; others grow by less, to leave little room unused. */
const DOUBLE_UNTIL = 2_048;
const GROWTH = 1.6;
/** Of a table that begins as a half of another. */
const ROOM = 1.25;
const LOAD_MAX = 0.8;
/** Ids of one table, which are copied at once when it grows; beyond, it is split in two. */
const TABLE_IDS_MAX = 40_000;
const WORD_BITS = 32;
const TOP_BIT = 1 << 31;
/** Only hashes that nobody can bring about would need more. */
const DIRECTORY_BITS_MAX = 16;
/** Slots by words, and homes by a word of the hash. */
const HOME_SCALE = 1 / (SLOT_WORDS * 2 ** WORD_BITS);

/** The last word of a slot: eight bits more of the id, and the payload's, which are odd. */
const ID_BITS = 0xff000000 | 0;
const PAYLOAD_BITS = 0x00ffffff;

/** A part of the ids, whose hashes begin with the same bits. */
interface Table {
  words: Int32Array;
  ids: number;
  /** How many bits these are. */
  bits: number;
}

/**
 * The ids of one window, each as 104 bits of a keyed hash, with 23 bits of what its first event
 * said: open addressing, 16 bytes a slot. A slot is free while its last word is 0.
 *
 * An id's home is the first word of its hash, scaled to the table, not taken modulo its size. So slots are in
 * the order of the hashes, any size will do, and growing is one pass over both tables. A table that
 * is large is split by one more bit of the hash instead (extendible hashing, Fagin et al. 1979), so
 * that no growth copies more than a table, and none needs twice the memory.
 */
export class IdSet {
  #directory: Table[] = [tableFor(0, 0)];
  /** Bits of a hash that the directory looks at. */
  #bits = 0;
  #size = 0;
  #words = SLOTS_MIN * SLOT_WORDS;

  get size(): number {
    return this.#size;
  }

  /** Bytes held. */
  get byteLength(): number {
    return this.#words * Int32Array.BYTES_PER_ELEMENT;
  }

  /**
   * Looks at an id's home, so that it is in the cache when the id is admitted. Many at once wait for
   * memory together.
   *
   * @returns A word of no meaning; it must be used for something, or looking is optimised away.
   */
  touch(word0: number): number {
    const { words, bits } = this.#directory[this.#placeOf(word0)] ?? nowhere();
    return words[homeOf(word0 << bits, words.length) + 3] ?? 0;
  }

  /**
   * @param payload A hash of what the event says, its lowest bit set. Its upper 8 bits are left out.
   * @returns Whether the id is here for the first time, with the same payload, or with another.
   */
  admit(word0: number, word1: number, word2: number, word3: number, payload: number): number {
    const table = this.#directory[this.#placeOf(word0)] ?? nowhere();
    const { words } = table;
    const { length } = words;
    const last = (word3 & ID_BITS) | (payload & PAYLOAD_BITS);
    let at = homeOf(word0 << table.bits, length);
    for (;;) {
      const held = words[at + 3] ?? 0;
      if (held === 0) break;
      if (
        words[at] === word0 &&
        words[at + 1] === word1 &&
        words[at + 2] === word2 &&
        ((held ^ last) & ID_BITS) === 0
      ) {
        return held === last ? DUPLICATE : CONFLICT;
      }
      at += SLOT_WORDS;
      if (at === length) at = 0;
    }
    words[at] = word0;
    words[at + 1] = word1;
    words[at + 2] = word2;
    words[at + 3] = last;
    table.ids += 1;
    this.#size += 1;
    if (table.ids * SLOT_WORDS > length * LOAD_MAX) this.#makeRoom(table, word0);
    return FIRST;
  }

  #placeOf(word0: number): number {
    // A shift by 32 would be one by 0.
    return this.#bits === 0 ? 0 : word0 >>> (WORD_BITS - this.#bits);
  }

  #makeRoom(table: Table, word0: number): void {
    if (table.ids >= TABLE_IDS_MAX && table.bits < DIRECTORY_BITS_MAX) {
      this.#split(table, word0);
      return;
    }
    const { words } = table;
    const slots = words.length / SLOT_WORDS;
    table.words = wordsOf(slots < DOUBLE_UNTIL ? 2 * slots : Math.ceil(slots * GROWTH));
    copy(words, table, table, table.bits);
    this.#words += table.words.length - words.length;
  }

  /**
   * Two tables in the place of one, by the first bit of the hashes that it did not look at. Its
   * slots are in the order of the hashes: one half goes to each, but for what ran over the ends.
   */
  #split(table: Table, word0: number): void {
    if (table.bits === this.#bits) {
      this.#directory = this.#directory.flatMap((each) => [each, each]);
      this.#bits += 1;
    }
    const bits = table.bits + 1;
    const { words } = table;
    const ones = countOnes(words, table.bits);
    const [low, high] = [tableFor(table.ids - ones, bits), tableFor(ones, bits)];
    copy(words, low, high, table.bits);
    const spread = 2 ** (this.#bits - bits);
    const first = (word0 >>> (WORD_BITS - bits)) & ~1;
    this.#directory.fill(low, first * spread, (first + 1) * spread);
    this.#directory.fill(high, (first + 1) * spread, (first + 2) * spread);
    this.#words += low.words.length + high.words.length - words.length;
  }
}

/** With so many ids, which are still to be copied, and room for a quarter more. */
function tableFor(ids: number, bits: number): Table {
  const slots = Math.ceil((ids * ROOM) / LOAD_MAX);
  return { words: wordsOf(Math.max(SLOTS_MIN, slots)), ids, bits };
}

function wordsOf(slots: number): Int32Array {
  return new Int32Array(slots * SLOT_WORDS);
}

/** @param hash What of a hash no directory has looked at, at the top. */
function homeOf(hash: number, length: number): number {
  return Math.floor((hash >>> 0) * (length * HOME_SCALE)) * SLOT_WORDS;
}

/** How many of the ids have a 1 in that bit of their first word, counted from the top. */
function countOnes(words: Int32Array, bit: number): number {
  let ones = 0;
  for (let slot = 0; slot < words.length; slot += SLOT_WORDS) {
    if (words[slot + 3] !== 0) ones += ((words[slot] ?? 0) >>> (WORD_BITS - 1 - bit)) & 1;
  }
  return ones;
}

/** Copies all ids, to one table or the other by that bit. Both have room. */
function copy(from: Int32Array, zeros: Table, ones: Table, bit: number): void {
  for (let slot = 0; slot < from.length; slot += SLOT_WORDS) {
    const last = from[slot + 3] ?? 0;
    if (last === 0) continue;
    const word0 = from[slot] ?? 0;
    // Ids are in the order of their hashes: this turns once, in the middle.
    const { words, bits } = ((word0 << bit) & TOP_BIT) === 0 ? zeros : ones;
    const { length } = words;
    let at = homeOf(word0 << bits, length);
    while (words[at + 3] !== 0) {
      at += SLOT_WORDS;
      if (at === length) at = 0;
    }
    words[at] = word0;
    words[at + 1] = from[slot + 1] ?? 0;
    words[at + 2] = from[slot + 2] ?? 0;
    words[at + 3] = last;
  }
}

function nowhere(): never {
  throw new RangeError("The directory has no such table");
}

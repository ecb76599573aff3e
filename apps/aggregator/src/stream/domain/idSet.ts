/** What the set says of an id. */
export const FIRST = 0;
export const DUPLICATE = 1;
export const CONFLICT = 2;

/** Four words of the id's hash and one of its payload's, which is never 0: 0 marks a free slot. */
const SLOT_WORDS = 5;
const SLOTS_MIN = 32;
/** Small tables double; large ones grow by half, to leave less room unused. */
const DOUBLE_UNTIL = 65_536;
const LOAD_MAX = 0.8;
const WORD_RANGE = 2 ** 32;

/**
 * The ids of one window, each as 128 bits of a keyed hash, with 31 bits of what its first event
 * said: open addressing in one typed array, 20 bytes a slot.
 *
 * An id's home is its first word scaled to the table, not taken modulo its size. So slots are in
 * the order of the hashes, any size will do, and growing is one pass over both tables.
 */
export class IdSet {
  #slots = SLOTS_MIN;
  #words = new Int32Array(SLOTS_MIN * SLOT_WORDS);
  #scale = SLOTS_MIN / WORD_RANGE;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Bytes held. */
  get byteLength(): number {
    return this.#words.byteLength;
  }

  /**
   * @param payload A hash of what the event says, its lowest bit set.
   * @returns Whether the id is here for the first time, with the same payload, or with another.
   */
  admit(word0: number, word1: number, word2: number, word3: number, payload: number): number {
    const words = this.#words;
    const length = words.length;
    let at = Math.floor((word0 >>> 0) * this.#scale) * SLOT_WORDS;
    for (;;) {
      const held = words[at + 4];
      if (held === 0) break;
      if (
        words[at] === word0 &&
        words[at + 1] === word1 &&
        words[at + 2] === word2 &&
        words[at + 3] === word3
      ) {
        return held === payload ? DUPLICATE : CONFLICT;
      }
      at += SLOT_WORDS;
      if (at === length) at = 0;
    }
    words[at] = word0;
    words[at + 1] = word1;
    words[at + 2] = word2;
    words[at + 3] = word3;
    words[at + 4] = payload;
    this.#size += 1;
    if (this.#size > this.#slots * LOAD_MAX) this.#grow();
    return FIRST;
  }

  #grow(): void {
    const old = this.#words;
    const slots = Math.floor(this.#slots * (this.#slots < DOUBLE_UNTIL ? 2 : 1.5));
    const words = new Int32Array(slots * SLOT_WORDS);
    const scale = slots / WORD_RANGE;
    for (let from = 0; from < old.length; from += SLOT_WORDS) {
      if (old[from + 4] === 0) continue;
      let at = Math.floor(((old[from] ?? 0) >>> 0) * scale) * SLOT_WORDS;
      while (words[at + 4] !== 0) {
        at += SLOT_WORDS;
        if (at === words.length) at = 0;
      }
      for (let word = 0; word < SLOT_WORDS; word += 1) words[at + word] = old[from + word] ?? 0;
    }
    this.#words = words;
    this.#slots = slots;
    this.#scale = scale;
  }
}

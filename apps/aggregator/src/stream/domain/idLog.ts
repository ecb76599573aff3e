/** Of an id. */
const ID_WORDS = 4;
/** A log grows by chunks of so many ids; its first begins smaller and doubles. */
const CHUNK_BITS = 11;
const CHUNK_IDS = 1 << CHUNK_BITS;
const FIRST_CHUNK_IDS = 32;

/**
 * Ids as four words each, in the order of arrival. Grows without copying more than a chunk, and can be
 * divided in place.
 */
export class IdLog {
  readonly #chunks: Int32Array[] = [];
  /** The chunk that takes the next id. */
  #last: Int32Array = new Int32Array(0);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get words(): number {
    return this.#chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  }

  append(word0: number, word1: number, word2: number, word3: number): void {
    const at = (this.#size & (CHUNK_IDS - 1)) * ID_WORDS;
    if (at === 0 || at === this.#last.length) this.#grow();
    const last = this.#last;
    last[at] = word0;
    last[at + 1] = word1;
    last[at + 2] = word2;
    last[at + 3] = word3;
    this.#size += 1;
  }

  /** The chunk that an id lies in. */
  chunkOf(id: number): Int32Array {
    return this.#chunks[id >>> CHUNK_BITS] ?? nowhere();
  }

  /** Where an id's words begin in its chunk. */
  placeOf(id: number): number {
    return (id & (CHUNK_IDS - 1)) * ID_WORDS;
  }

  /** Keeps the ids that have a 0 in that bit of their first word, and answers with the others. */
  divide(bit: number): IdLog {
    const ones = new IdLog();
    const size = this.#size;
    const chunks = this.#chunks;
    let zeros = 0;
    for (let id = 0; id < size; id += 1) {
      const from = chunks[id >>> CHUNK_BITS] ?? nowhere();
      const at = (id & (CHUNK_IDS - 1)) * ID_WORDS;
      const word0 = from[at] ?? 0;
      const word1 = from[at + 1] ?? 0;
      const word2 = from[at + 2] ?? 0;
      const word3 = from[at + 3] ?? 0;
      const isOne = (word0 >>> bit) & 1;
      // Written to both, and kept in one: a jump would be guessed wrong for every other id.
      ones.append(word0, word1, word2, word3);
      ones.#size -= 1 - isOne;
      const to = chunks[zeros >>> CHUNK_BITS] ?? nowhere();
      const place = (zeros & (CHUNK_IDS - 1)) * ID_WORDS;
      to[place] = word0;
      to[place + 1] = word1;
      to[place + 2] = word2;
      to[place + 3] = word3;
      zeros += 1 - isOne;
    }
    this.#size = zeros;
    chunks.length = Math.ceil(zeros / CHUNK_IDS);
    this.#last = chunks.at(-1) ?? new Int32Array(0);
    return ones;
  }

  #grow(): void {
    const isWhole = this.#last.length === CHUNK_IDS * ID_WORDS;
    const ids = isWhole ? CHUNK_IDS : Math.max(FIRST_CHUNK_IDS, (2 * this.#last.length) / ID_WORDS);
    const chunk = new Int32Array(ids * ID_WORDS);
    if (!isWhole) chunk.set(this.#last);
    this.#chunks[this.#size >>> CHUNK_BITS] = chunk;
    this.#last = chunk;
  }
}

function nowhere(): never {
  throw new RangeError("The log has no such id");
}

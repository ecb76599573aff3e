import {
  HALF_HEAD_BYTES,
  type HashedText,
  HEAD_BYTES,
  HEAD_MASKS,
  TEXT_WORD,
} from "./hashedText.ts";

/**
 * Keyed hashes of bytes. Senders choose ids and names, and could choose them to meet in one slot of
 * a table, or to be taken for one another; without the key they cannot know what meets what.
 *
 * The key never reaches a result: with another key, the same log gives the same rows (but for a
 * chance of some 2^-80 in a full partition), so each process draws its own.
 */

/** Words of a hash key. */
export const HASH_KEY_WORDS = 4;

/** Longest span that is hashed: a user id of 128 UTF-16 units, each three bytes of UTF-8. */
const SPAN_WORDS_MAX = 96;

const ROUNDS = 8;
const BLOCK_BYTES = 16;

/**
 * Hashes ids to 128 bits: the Chaskey permutation in a CBC-MAC that starts from the key and the
 * length (Mouha et al. 2014; made for 32-bit words). Its answer is in `word0` to `word3`.
 */
export class IdHash {
  readonly #key: Int32Array;
  word0 = 0;
  word1 = 0;
  word2 = 0;
  word3 = 0;

  constructor(key: Int32Array) {
    if (key.length !== HASH_KEY_WORDS) throw new RangeError(`A key has ${HASH_KEY_WORDS} words`);
    this.#key = key;
  }

  /** Hashes the bytes of `[start, end)`. */
  hash(view: DataView, start: number, end: number): void {
    const key = this.#key;
    const length = end - start;
    let a = (key[0] ?? 0) ^ length;
    let b = key[1] ?? 0;
    let c = key[2] ?? 0;
    let d = key[3] ?? 0;
    let at = start;
    do {
      if (at + BLOCK_BYTES <= end) {
        a ^= view.getInt32(at, true);
        b ^= view.getInt32(at + 4, true);
        c ^= view.getInt32(at + 8, true);
        d ^= view.getInt32(at + 12, true);
      } else {
        // As in CMAC, a secret word tells a block that is padded from one that is full. Its last
        // byte, which no text of it reaches, tells how much of it is text.
        a ^= wordAt(view, at, end);
        b ^= (key[2] ?? 0) ^ wordAt(view, at + 4, end);
        c ^= wordAt(view, at + 8, end);
        d ^= ((end - at) << 24) ^ wordAt(view, at + 12, end);
      }
      for (let round = 0; round < ROUNDS; round += 1) {
        a = (a + b) | 0;
        b = ((b << 5) | (b >>> 27)) ^ a;
        a = (a << 16) | (a >>> 16);
        c = (c + d) | 0;
        d = ((d << 8) | (d >>> 24)) ^ c;
        a = (a + d) | 0;
        d = ((d << 13) | (d >>> 19)) ^ a;
        c = (c + b) | 0;
        b = ((b << 7) | (b >>> 25)) ^ c;
        c = (c << 16) | (c >>> 16);
      }
      at += BLOCK_BYTES;
    } while (at < end);
    this.word0 = a;
    this.word1 = b;
    this.word2 = c;
    this.word3 = d;
  }
}

/**
 * Hashes names to 32 bits, for tables that compare what they find: two multilinear sums under
 * secret factors, so that no family of names can be made to meet.
 */
export class SpanHash {
  readonly #factors: Int32Array;

  constructor(key: Int32Array) {
    this.#factors = expand(key, 2 * SPAN_WORDS_MAX + 2);
  }

  /** The factors of a sum: first the two of the length, then two of each word of a text. */
  get factors(): Int32Array {
    return this.#factors;
  }

  /** Reads a text, which has that hash. */
  read({ words }: HashedText, view: DataView, start: number, end: number): void {
    const length = end - start;
    words[TEXT_WORD.start] = start;
    words[TEXT_WORD.length] = length;
    if (length > HEAD_BYTES || start + HEAD_BYTES > view.byteLength) {
      words[TEXT_WORD.head] = wordAt(view, start, end);
      words[TEXT_WORD.head + 1] = wordAt(view, start + 4, end);
      words[TEXT_WORD.head + 2] = wordAt(view, start + 8, end);
      words[TEXT_WORD.head + 3] = wordAt(view, start + 12, end);
      words[TEXT_WORD.hash] = this.hash(view, start, end);
      return;
    }
    const masks = 4 * length;
    const word0 = view.getInt32(start, true) & (HEAD_MASKS[masks] ?? 0);
    const word1 = view.getInt32(start + 4, true) & (HEAD_MASKS[masks + 1] ?? 0);
    words[TEXT_WORD.head] = word0;
    words[TEXT_WORD.head + 1] = word1;
    if (length <= HALF_HEAD_BYTES) {
      words[TEXT_WORD.head + 2] = 0;
      words[TEXT_WORD.head + 3] = 0;
      words[TEXT_WORD.hash] = this.#hashOfHalf(length, word0, word1);
      return;
    }
    const word2 = view.getInt32(start + 8, true) & (HEAD_MASKS[masks + 2] ?? 0);
    const word3 = view.getInt32(start + 12, true) & (HEAD_MASKS[masks + 3] ?? 0);
    words[TEXT_WORD.head + 2] = word2;
    words[TEXT_WORD.head + 3] = word3;
    words[TEXT_WORD.hash] = this.#hashOfHead(length, word0, word1, word2, word3);
  }

  /** As `hash`, of a text of four words: those that it has not are zeros, and add nothing. */
  #hashOfHead(length: number, word0: number, word1: number, word2: number, word3: number): number {
    const factors = this.#factors;
    const sum =
      Math.imul(length, factors[0] ?? 0) +
      Math.imul(word0, factors[2] ?? 0) +
      Math.imul(word1, factors[4] ?? 0) +
      Math.imul(word2, factors[6] ?? 0) +
      Math.imul(word3, factors[8] ?? 0);
    const turned =
      (factors[1] ?? 0) +
      Math.imul((word0 << 16) | (word0 >>> 16), factors[3] ?? 0) +
      Math.imul((word1 << 16) | (word1 >>> 16), factors[5] ?? 0) +
      Math.imul((word2 << 16) | (word2 >>> 16), factors[7] ?? 0) +
      Math.imul((word3 << 16) | (word3 >>> 16), factors[9] ?? 0);
    return mix(sum ^ ((turned << 13) | (turned >>> 19)));
  }

  /** As `#hashOfHead`, of a text that has two words at most. */
  #hashOfHalf(length: number, word0: number, word1: number): number {
    const factors = this.#factors;
    const sum =
      Math.imul(length, factors[0] ?? 0) +
      Math.imul(word0, factors[2] ?? 0) +
      Math.imul(word1, factors[4] ?? 0);
    const turned =
      (factors[1] ?? 0) +
      Math.imul((word0 << 16) | (word0 >>> 16), factors[3] ?? 0) +
      Math.imul((word1 << 16) | (word1 >>> 16), factors[5] ?? 0);
    return mix(sum ^ ((turned << 13) | (turned >>> 19)));
  }

  hash(view: DataView, start: number, end: number): number {
    const factors = this.#factors;
    let sum = Math.imul(end - start, factors[0] ?? 0);
    let turned = factors[1] ?? 0;
    let factor = 2;
    for (let at = start; at < end; at += 4) {
      const word = wordAt(view, at, end);
      sum = (sum + Math.imul(word, factors[factor] ?? 0)) | 0;
      turned = (turned + Math.imul((word << 16) | (word >>> 16), factors[factor + 1] ?? 0)) | 0;
      factor += 2;
    }
    return mix(sum ^ ((turned << 13) | (turned >>> 19)));
  }
}

/** Spreads every bit over all; Murmur3's finalizer, a bijection (public domain). */
export function mix(word: number): number {
  let mixed = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) | 0;
}

/**
 * The word at `at`, with zeros in place of bytes from `end` on. What lies behind the bytes may be
 * read, where there is something: a loop over the last bytes is mispredicted for most names.
 */
export function wordAt(view: DataView, at: number, end: number): number {
  const bytes = end - at;
  if (bytes >= 4) return view.getInt32(at, true);
  if (bytes <= 0) return 0;
  if (at + 4 <= view.byteLength) return view.getInt32(at, true) & (-1 >>> (32 - 8 * bytes));
  let word = 0;
  for (let byte = bytes - 1; byte >= 0; byte -= 1) {
    word = (word << 8) | view.getUint8(at + byte);
  }
  return word;
}

/** Odd words that tell nothing of the key: the permutation of a counter under it. */
function expand(key: Int32Array, count: number): Int32Array {
  const hash = new IdHash(key);
  const counter = new DataView(new ArrayBuffer(4));
  return Int32Array.from({ length: count }, (_none, at) => {
    counter.setInt32(0, at, true);
    hash.hash(counter, 0, 4);
    return hash.word0 | 1;
  });
}

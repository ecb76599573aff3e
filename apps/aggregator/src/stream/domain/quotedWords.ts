import { BytePattern } from "./bytePattern.ts";

/** What is answered where none of the words lies. */
export const NO_WORD = -1;

const LENGTHS = 32;
const LETTERS = 32;

/**
 * A few words that a field may have, in their quotes. No two of them have both the same length and the
 * same first letter, so that one comparison tells.
 */
export class QuotedWords {
  readonly #patterns: readonly BytePattern[];
  /** By length and first letter: the only word that it can be. */
  readonly #only = new Int8Array(LENGTHS * LETTERS).fill(NO_WORD);

  /** @throws {RangeError} if two of the words are not told apart. */
  constructor(words: readonly string[]) {
    this.#patterns = words.map((word) => new BytePattern(`"${word}"`));
    for (const [at, word] of words.entries()) {
      const place = placeOf(word.length + 2, word.charCodeAt(0));
      if (word.length + 2 >= LENGTHS || this.#only[place] !== NO_WORD) {
        throw new RangeError(`"${word}" has no place among ${words.join()}`);
      }
      this.#only[place] = at;
    }
  }

  /** The place in the list of the word that lies in `[start, end)` with its quotes, or `NO_WORD`. */
  find(view: DataView, start: number, end: number): number {
    const length = end - start;
    if (length < 2 || length >= LENGTHS || end > view.byteLength) return NO_WORD;
    const word = this.#only[placeOf(length, view.getUint8(start + 1))] ?? NO_WORD;
    return this.#patterns[word]?.isAt(view, start) ? word : NO_WORD;
  }

  /** The place in the list of the word that begins there, or `NO_WORD`. */
  at(view: DataView, start: number): number {
    return this.#patterns.findIndex((pattern) => pattern.isAt(view, start));
  }

  /** Of a word with its quotes; of `NO_WORD` 0. */
  lengthOf(word: number): number {
    return this.#patterns[word]?.length ?? 0;
  }
}

/** @param length With the quotes. */
function placeOf(length: number, letter: number): number {
  return length * LETTERS + (letter & (LETTERS - 1));
}

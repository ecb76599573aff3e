/** How much of a text is at hand as words. As good as all names are no longer. */
export const HEAD_BYTES = 16;
/** Countries, devices and most users are no longer than that. */
export const HALF_HEAD_BYTES = HEAD_BYTES / 2;
const HEAD_WORDS = HEAD_BYTES / 4;

/** By length and word: which bits of a head's words are text. */
export const HEAD_MASKS = Int32Array.from(
  { length: (HEAD_BYTES + 1) * HEAD_WORDS },
  (_none, at) => {
    const bytes = Math.floor(at / HEAD_WORDS) - 4 * (at % HEAD_WORDS);
    if (bytes >= 4) return -1;
    return bytes <= 0 ? 0 : -1 >>> (32 - 8 * bytes);
  },
);

/** The words of a text: its hash, where it begins, its length, one unused, and its head. */
export const TEXT_WORD = { hash: 0, start: 1, length: 2, head: 4 } as const;
/** Of one text. */
export const TEXT_WORDS = 8;

/**
 * A text of a line, as tables look for it: its hash, its length, and its head as words, with zeros
 * behind its end. Read once, however many tables it is looked for in; used again for every event.
 */
export class HashedText {
  readonly words: Int32Array;

  /** @param words `TEXT_WORDS` of them, wherever they lie. */
  constructor(words = new Int32Array(TEXT_WORDS)) {
    this.words = words;
  }

  get hash(): number {
    return this.words[TEXT_WORD.hash] ?? 0;
  }

  /** Where it begins, in the bytes that it was read from. */
  get start(): number {
    return this.words[TEXT_WORD.start] ?? 0;
  }

  get length(): number {
    return this.words[TEXT_WORD.length] ?? 0;
  }

  get word0(): number {
    return this.words[TEXT_WORD.head] ?? 0;
  }

  get word1(): number {
    return this.words[TEXT_WORD.head + 1] ?? 0;
  }

  get word2(): number {
    return this.words[TEXT_WORD.head + 2] ?? 0;
  }

  get word3(): number {
    return this.words[TEXT_WORD.head + 3] ?? 0;
  }
}

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

/**
 * A text of a line, as tables look for it: its hash, its length, and its head as words, with zeros
 * behind its end. Read once, however many tables it is looked for in; used again for every event.
 */
export class HashedText {
  hash = 0;
  /** Where it begins, in the bytes that it was read from. */
  start = 0;
  length = 0;
  word0 = 0;
  word1 = 0;
  word2 = 0;
  word3 = 0;
}

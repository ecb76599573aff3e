/**
 * ASCII text that is looked for at a place of a block, four bytes at a time. Up to 20 bytes take
 * five words that overlap, without a loop: a loop whose length differs from key to key costs more
 * in mispredicted jumps than in comparisons.
 */
export class BytePattern {
  /** Characters that a pattern has at least: one word. */
  static readonly LENGTH_MIN = 4;
  readonly length: number;
  readonly #offset1: number;
  readonly #offset2: number;
  readonly #offset3: number;
  readonly #offset4: number;
  readonly #word0: number;
  readonly #word1: number;
  readonly #word2: number;
  readonly #word3: number;
  readonly #word4: number;
  /** What lies between the fourth word and the last; empty for all but long texts. */
  readonly #rest: Int32Array;

  /** @param text At least `LENGTH_MIN` ASCII characters. */
  constructor(text: string) {
    const bytes = new TextEncoder().encode(text);
    if (bytes.length !== text.length || text.length < BytePattern.LENGTH_MIN) {
      throw new RangeError(`A pattern needs four ASCII characters, got ${JSON.stringify(text)}`);
    }
    const view = new DataView(bytes.buffer);
    const last = bytes.length - 4;
    this.length = bytes.length;
    this.#offset1 = Math.min(4, last);
    this.#offset2 = Math.min(8, last);
    this.#offset3 = Math.min(12, last);
    this.#offset4 = last;
    this.#word0 = view.getInt32(0, true);
    this.#word1 = view.getInt32(this.#offset1, true);
    this.#word2 = view.getInt32(this.#offset2, true);
    this.#word3 = view.getInt32(this.#offset3, true);
    this.#word4 = view.getInt32(last, true);
    this.#rest = Int32Array.from({ length: Math.max(0, (last - 13) >> 2) }, (_none, at) => {
      return view.getInt32(16 + 4 * at, true);
    });
  }

  /** Whether the text lies at `at`. The view may end anywhere. */
  isAt(view: DataView, at: number): boolean {
    return (
      at + this.length <= view.byteLength &&
      view.getInt32(at, true) === this.#word0 &&
      view.getInt32(at + this.#offset4, true) === this.#word4 &&
      view.getInt32(at + this.#offset1, true) === this.#word1 &&
      view.getInt32(at + this.#offset2, true) === this.#word2 &&
      view.getInt32(at + this.#offset3, true) === this.#word3 &&
      (this.#rest.length === 0 || this.#isRestAt(view, at + 16))
    );
  }

  #isRestAt(view: DataView, from: number): boolean {
    const rest = this.#rest;
    for (let word = 0; word < rest.length; word += 1) {
      if (view.getInt32(from + 4 * word, true) !== rest[word]) return false;
    }
    return true;
  }
}

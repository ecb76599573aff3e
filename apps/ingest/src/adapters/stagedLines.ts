/**
 * Lines of small requests, side by side in one buffer until they go out as blocks. A buffer of its
 * own for each request would cost more than all else that is done for its line.
 */
import { type Block, gatherBlocks, type Line } from "../domain/blocks.ts";

const FIRST_BYTES = 262_144;

export class StagedLines {
  readonly #blockBytesMax: number;
  #bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #at = 0;
  #lines: Line[] = [];
  #partitionCount = 0;

  /** @param blockBytesMax Most bytes of a block; a longer line makes one by itself. */
  constructor(blockBytesMax: number) {
    this.#blockBytesMax = blockBytesMax;
  }

  /** Whether lines for so many partitions may lie beside those that are here. */
  fits(partitionCount: number): boolean {
    return this.#lines.length === 0 || partitionCount === this.#partitionCount;
  }

  /** Copies lines that fit. */
  add(bytes: Buffer, lines: readonly Line[], partitionCount: number): void {
    this.#partitionCount = partitionCount;
    for (const { partition, start, end } of lines) {
      this.#reserve(end - start);
      const at = this.#at;
      this.#at = at + bytes.copy(this.#bytes, at, start, end);
      this.#lines.push({ partition, start: at, end: this.#at });
    }
  }

  /**
   * All that is here, as blocks with bytes of their own; then nothing is here any more.
   *
   * @param memory Gives that of the blocks.
   */
  take(memory: (length: number) => Buffer): Block[] {
    if (this.#lines.length === 0) return [];
    const limits = { partitionCount: this.#partitionCount, bytesMax: this.#blockBytesMax };
    const blocks = gatherBlocks(this.#bytes, this.#lines, limits, memory);
    this.clear();
    return blocks;
  }

  clear(): void {
    this.#lines = [];
    this.#at = 0;
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(2 * (this.#at + bytes));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }
}

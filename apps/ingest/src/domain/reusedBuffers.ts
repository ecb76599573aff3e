/**
 * Memory for bodies that come in several chunks, and for blocks, used again and again: memory outside
 * the heap that is asked for with every request makes the collector run far more often than its heap
 * needs.
 */

const SMALLEST_LOG = 16;
/** 64 KiB, 128 KiB, … up to the largest body. What is larger is not kept. */
const SIZES = 5;

export class ReusedBuffers {
  readonly #freeBySize: ArrayBufferLike[][] = Array.from({ length: SIZES }, () => []);
  readonly #keptMax: number;

  /** @param keptMax How many of each size are kept: each more is 2 MiB in all at most. */
  constructor(keptMax: number) {
    this.#keptMax = keptMax;
  }

  /** A buffer whose memory is less than twice its bytes, or 64 KiB; whatever is in it. */
  take(length: number): Buffer {
    const size = sizeOf(length);
    if (size >= SIZES) return Buffer.allocUnsafeSlow(length);
    const memory = this.#freeBySize[size]?.pop() ?? new ArrayBuffer(2 ** (SMALLEST_LOG + size));
    return Buffer.from(memory, 0, length);
  }

  /** Only a buffer that was taken, and that nobody looks at any more. */
  giveBack(buffer: Buffer): void {
    const free = this.#freeBySize[sizeOf(buffer.length)];
    if (free !== undefined && free.length < this.#keptMax) free.push(buffer.buffer);
  }
}

function sizeOf(length: number): number {
  const log = 32 - Math.clz32(Math.max(length, 1) - 1);
  return Math.max(0, log - SMALLEST_LOG);
}

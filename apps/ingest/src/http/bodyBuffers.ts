/**
 * Memory for bodies that come in several chunks, used again and again: memory outside the heap that is
 * asked for with every request makes the collector run far more often than its heap needs.
 */

const SMALLEST_LOG = 16;
/** 64 KiB, 128 KiB, … up to the largest body. */
const SIZES = 5;
/** Of each size, so 16 MiB in all. */
const KEPT_MAX = 8;

export class BodyBuffers {
  readonly #freeBySize: ArrayBufferLike[][] = Array.from({ length: SIZES }, () => []);

  /** A buffer for a body; it takes less than twice its bytes, and 64 KiB at least. */
  take(length: number): Buffer {
    const size = sizeOf(length);
    const memory = this.#freeBySize[size]?.pop() ?? new ArrayBuffer(2 ** (SMALLEST_LOG + size));
    return Buffer.from(memory, 0, length);
  }

  /** Only a buffer that was taken, and that nobody looks at any more. */
  giveBack(body: Buffer): void {
    const free = this.#freeBySize[sizeOf(body.length)];
    if (free !== undefined && free.length < KEPT_MAX) free.push(body.buffer);
  }
}

function sizeOf(length: number): number {
  const log = 32 - Math.clz32(Math.max(length, 1) - 1);
  return Math.max(0, log - SMALLEST_LOG);
}

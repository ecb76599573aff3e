import type { LogRecord } from "./port.ts";

/** Smallest and largest buffer that is used again, bytes; each is twice the one before. */
const BUFFER_BYTES_MIN = 4_096;
const BUFFER_BYTES_MAX = 524_288;
/** Most that lies free, bytes; what comes back beyond it is left to be collected. */
const FREE_BYTES_MAX = 16 * 1_048_576;

/**
 * Buffers that blocks are decompressed into, used again once their reader has said that it is done
 * with all records in them. Where nobody says so, they are garbage as any other: nothing is kept for
 * records that are not given back.
 *
 * A buffer of 50 KB is memory outside of V8's heap, and every few dozen MB of such memory make it
 * mark the whole heap.
 */
export class BlockPool {
  /** By the logarithm of their size. */
  readonly #free: ArrayBuffer[][] = [];
  #freeBytes = 0;
  /** How many records that are out lie in a buffer that was taken here. */
  readonly #out = new WeakMap<ArrayBufferLike, number>();
  /** Records that are out, so that none comes back twice. */
  readonly #held = new WeakSet<LogRecord>();

  /** A buffer of so many bytes, whatever they hold; its own, and no slice of a shared one. */
  take(bytes: number): Buffer {
    if (bytes > BUFFER_BYTES_MAX) return Buffer.allocUnsafeSlow(bytes);
    const size = sizeFor(bytes);
    const free = this.#free[size]?.pop();
    if (free !== undefined) this.#freeBytes -= free.byteLength;
    const buffer = free ?? Buffer.allocUnsafeSlow(1 << size).buffer;
    this.#out.set(buffer, 0);
    return Buffer.from(buffer, 0, bytes);
  }

  /** Notes that a record whose bytes may lie in one of these goes out. */
  hold(record: LogRecord): void {
    const { buffer } = record.value;
    const out = this.#out.get(buffer);
    if (out === undefined) return;
    this.#out.set(buffer, out + 1);
    this.#held.add(record);
  }

  /** Takes a record back; the buffer is free once none of its records is out. */
  release(record: LogRecord): void {
    if (!this.#held.delete(record)) return;
    const { buffer } = record.value;
    const left = (this.#out.get(buffer) ?? 0) - 1;
    this.#out.set(buffer, left);
    if (left === 0 && buffer instanceof ArrayBuffer) this.#putBack(buffer);
  }

  #putBack(buffer: ArrayBuffer): void {
    this.#out.delete(buffer);
    if (this.#freeBytes + buffer.byteLength > FREE_BYTES_MAX) return;
    const size = sizeFor(buffer.byteLength);
    const free = this.#free[size] ?? [];
    this.#free[size] = free;
    free.push(buffer);
    this.#freeBytes += buffer.byteLength;
  }
}

/** The logarithm of the smallest buffer that holds so many bytes. */
function sizeFor(bytes: number): number {
  return 32 - Math.clz32(Math.max(bytes, BUFFER_BYTES_MIN) - 1);
}

/** The process's own, for all that decompress in their turn. */
export const blockPool = new BlockPool();

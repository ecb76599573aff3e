/** Pieces of memory that frames come to lie in, side by side; each is used again and again. */
const SLAB_BYTES = 65_536;
/** Most slabs that lie free: 4 MiB. */
const FREE_SLABS_MAX = 64;
/** For less than this, a slab would be mostly empty, bytes before compression. */
const SLAB_WORTH_BYTES = 32_768;

/** Slabs that nobody uses. */
export class FreeSlabs {
  readonly #free: Buffer[] = [];

  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(SLAB_BYTES);
  }

  giveBack(slabs: readonly Buffer[]): void {
    const room = FREE_SLABS_MAX - this.#free.length;
    this.#free.push(...slabs.slice(0, room));
  }
}

/**
 * Memory for the frames of one append. Frames with memory of their own live as long as the append
 * does, which is long enough for V8 to take them for old: then they stay until it marks the whole
 * heap, and being outside of the heap they are what makes it do so.
 */
export class FrameMemory {
  readonly #free: FreeSlabs;
  readonly #isWorthIt: boolean;
  #slabs: Buffer[] = [];
  #rest: Buffer = Buffer.alloc(0);

  /** @param bytes How many are to be compressed. */
  constructor(free: FreeSlabs, bytes: number) {
    this.#free = free;
    this.#isWorthIt = bytes >= SLAB_WORTH_BYTES;
  }

  readonly take = (length: number): Buffer => {
    if (!this.#isWorthIt || length > SLAB_BYTES) return Buffer.allocUnsafe(length);
    if (length > this.#rest.length) {
      this.#rest = this.#free.take();
      this.#slabs.push(this.#rest);
    }
    const taken = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(length);
    return taken;
  };

  /** Only once nobody looks at the frames any more. */
  giveBack(): void {
    this.#free.giveBack(this.#slabs);
    this.#slabs = [];
    this.#rest = Buffer.alloc(0);
  }
}

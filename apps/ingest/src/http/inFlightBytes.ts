/**
 * The memory that bodies may take at once. When the log slows down, requests wait with their bodies
 * in hand; the bound turns that into a 503 instead of the end of the process.
 */
export class InFlightBytes {
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Bytes held now. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Holds bytes until they are let go; false when there is no room. */
  take(bytes: number): boolean {
    if (this.#bytes + bytes > this.#bytesMax) return false;
    this.#bytes += bytes;
    return true;
  }

  /** Lets go of bytes that were taken. */
  letGo(bytes: number): void {
    this.#bytes -= bytes;
  }

  /** Holds bytes until the returned function is called; null when there is no room. */
  hold(bytes: number): (() => void) | null {
    if (!this.take(bytes)) return null;
    let isHeld = true;
    return () => {
      if (isHeld) this.letGo(bytes);
      isHeld = false;
    };
  }
}

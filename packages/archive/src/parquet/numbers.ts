/** A list of numbers in one typed array that grows. */
export class Numbers<Kind extends Uint8Array | Uint32Array | Float64Array> {
  #values: Kind;
  #length = 0;
  readonly #allocate: (size: number) => Kind;

  /** @param allocate Makes the array, of the kind that the numbers fit in. */
  constructor(allocate: (size: number) => Kind) {
    this.#allocate = allocate;
    this.#values = allocate(64);
  }

  get length(): number {
    return this.#length;
  }

  push(value: number): void {
    if (this.#length === this.#values.length) {
      const grown = this.#allocate(this.#length * 2);
      grown.set(this.#values);
      this.#values = grown;
    }
    this.#values[this.#length] = value;
    this.#length += 1;
  }

  /** The value at a place that was pushed. */
  at(place: number): number {
    return this.#values[place] ?? Number.NaN;
  }

  clear(): void {
    this.#length = 0;
  }
}

export const bytes = () => new Numbers((size) => new Uint8Array(size));
export const uint32s = () => new Numbers((size) => new Uint32Array(size));
export const float64s = () => new Numbers((size) => new Float64Array(size));

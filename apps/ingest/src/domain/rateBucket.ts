/** A bucket of permits: filled at a steady rate up to its size, emptied by what is let through. */
export interface RateLimit {
  readonly perSecond: number;
  /** Size of the bucket: how much may come at once. */
  readonly burst: number;
}

/** What sums of fractions may be off by: who comes when told to must get through. */
const ROUNDING = 1e-6;

export class RateBucket {
  readonly #limit: RateLimit;
  #permits: number;
  #filledAtMs: number;

  constructor(limit: RateLimit, nowMs: number) {
    this.#limit = limit;
    this.#permits = limit.burst;
    this.#filledAtMs = nowMs;
  }

  /**
   * Takes permits. Who asks for more than the bucket holds gets through when it is full, and leaves
   * a debt: no size of request is refused for ever.
   *
   * @returns 0 if they were taken, else after how many milliseconds to ask again.
   */
  take(permits: number, nowMs: number): number {
    const { perSecond, burst } = this.#limit;
    // A clock set back fills nothing and takes nothing away.
    const elapsedMs = Math.max(0, nowMs - this.#filledAtMs);
    this.#permits = Math.min(burst, this.#permits + (elapsedMs / 1_000) * perSecond);
    this.#filledAtMs = nowMs;
    const missing = Math.min(permits, burst) - this.#permits;
    if (missing > ROUNDING) return Math.ceil((missing / perSecond) * 1_000);
    this.#permits -= permits;
    return 0;
  }
}

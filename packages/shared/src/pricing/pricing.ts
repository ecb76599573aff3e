/** Rate cards: cost per click of a campaign, effective-dated. */

export interface Rate {
  /** Inclusive; in force until the next rate's `effectiveFromMs`. Epoch milliseconds. */
  readonly effectiveFromMs: number;
  /** Cost per click in micros of the account's currency. */
  readonly cpcMicros: bigint;
}

/**
 * The rate in force at an instant, or null before the first one.
 *
 * @param rates Sorted by `effectiveFromMs`, ascending.
 */
export function rateAt(rates: readonly Rate[], instantMs: number): Rate | null {
  let low = 0;
  let high = rates.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const rate = rates[middle];
    if (rate !== undefined && rate.effectiveFromMs <= instantMs) low = middle + 1;
    else high = middle;
  }
  return rates[low - 1] ?? null;
}

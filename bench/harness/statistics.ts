/** What is quoted of several rounds: medians and their spread, never the best. */

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** @throws {RangeError} on an empty list: nothing was measured. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  return { median: quantile(sorted, 0.5), min: quantile(sorted, 0), max: quantile(sorted, 1) };
}

/**
 * The value below which a share of the values lies, between neighbours by straight line.
 *
 * @param sorted Ascending.
 * @param share From 0 to 1: 0.99 for p99.
 * @throws {RangeError} on an empty list.
 */
export function quantile(sorted: readonly number[], share: number): number {
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)];
  const above = sorted[Math.ceil(place)];
  if (below === undefined || above === undefined) throw new RangeError("No values");
  return below + (above - below) * (place - Math.floor(place));
}

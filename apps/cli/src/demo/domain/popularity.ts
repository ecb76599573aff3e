/** Who gets how much of the traffic. */
import type { Random } from "./random.ts";

/** Share of the one campaign that everybody clicks on, when there are several. */
export const HOT_SHARE = 0.3;

/**
 * Shares of `count` campaigns, adding up to 1: the first has `HOT_SHARE`, the others the rest by
 * Zipf's law with exponent 1, as popularity goes on the web.
 */
export function popularityShares(count: number): number[] {
  if (count <= 1) return Array.from({ length: count }, () => 1);
  const others = Array.from({ length: count - 1 }, (_, index) => 1 / (index + 1));
  const sum = others.reduce((total, weight) => total + weight, 0);
  return [HOT_SHARE, ...others.map((weight) => (weight / sum) * (1 - HOT_SHARE))];
}

/** Picks items by their shares. @throws {RangeError} if there are none. */
export function createPicker<Item>(
  items: readonly Item[],
  shares: readonly number[],
): (random: Random) => Item {
  let sum = 0;
  const steps = items.map((item, index) => {
    sum += shares[index] ?? 0;
    return { item, upTo: sum };
  });
  const last = steps.at(-1);
  if (last === undefined) throw new RangeError("nothing to pick from");
  return (random) => {
    const point = random.next() * sum;
    return (steps.find(({ upTo }) => point < upTo) ?? last).item;
  };
}

/** When in the day people click. */
import { HOUR_MS } from "@trueclick/shared/time";
import type { Random } from "./random.ts";

/** Share of a day's traffic by hour, in parts of their sum: a quiet night, a peak in the evening. */
const HOUR_WEIGHTS = [
  ...[14, 9, 6, 5, 5, 8, 16, 28, 40, 46, 48, 50],
  ...[54, 52, 48, 46, 47, 52, 60, 70, 76, 70, 48, 26],
];

/**
 * Instants of a range, ascending, denser where the day is busy. Always exactly `count`, all within
 * `[fromMs, toMs)`.
 *
 * @param hourOfDay The hour on the wall, 0 to 23, of an instant.
 */
export function* busyInstants(
  random: Random,
  range: { readonly fromMs: number; readonly toMs: number },
  count: number,
  hourOfDay: (instantMs: number) => number,
): Generator<number> {
  const slots = slotsOf(range, hourOfDay);
  const weightSum = slots.reduce((sum, { weight }) => sum + weight, 0);
  let passed = 0;
  let given = 0;
  for (const { fromMs, toMs, weight } of slots) {
    passed += weight;
    // Rounding the running sum, not each slot, makes the counts add up.
    const target = Math.round((count * passed) / weightSum);
    const instants = Array.from(
      { length: target - given },
      () => fromMs + Math.floor(random.next() * (toMs - fromMs)),
    );
    given = target;
    yield* instants.sort((a, b) => a - b);
  }
}

interface Slot {
  readonly fromMs: number;
  readonly toMs: number;
  readonly weight: number;
}

function slotsOf(
  range: { readonly fromMs: number; readonly toMs: number },
  hourOfDay: (instantMs: number) => number,
): Slot[] {
  const slots: Slot[] = [];
  for (let fromMs = range.fromMs; fromMs < range.toMs; fromMs += HOUR_MS) {
    const toMs = Math.min(fromMs + HOUR_MS, range.toMs);
    const weight = (HOUR_WEIGHTS[hourOfDay(fromMs)] ?? 1) * ((toMs - fromMs) / HOUR_MS);
    slots.push({ fromMs, toMs, weight });
  }
  return slots;
}

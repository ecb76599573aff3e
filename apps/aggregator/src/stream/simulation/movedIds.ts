import type { MemoryHotStore } from "../testing/memoryStores.ts";
import type { Doubts } from "./doubts.ts";
import type { Expected } from "./oracle.ts";
import { isMoved } from "./simulatedTraffic.ts";

/** The cube that every level of degradation counts. */
const WHOLE_CUBE = "ad";

/**
 * Where all partitions together count other than each id once, in words. What may be counted once more
 * is an id that goes to another partition since there are more, whose copies lie in both, each in time
 * there (decision 109): by that many, minute by minute, and by no other.
 */
export function movedFindings(
  { cells }: MemoryHotStore,
  oracles: readonly Expected[],
  doubts: readonly Doubts[],
): string[] {
  const found = new Map<number, number>();
  for (const { cube, windowStartMs, clicks, impressions } of cells.values()) {
    if (cube !== WHOLE_CUBE) continue;
    found.set(windowStartMs, (found.get(windowStartMs) ?? 0) + clicks + impressions);
  }
  const expected = countedByMinute(oracles);
  const minutes = new Set([...found.keys(), ...expected.keys()]);
  const isSure = (minute: number) =>
    doubts.every((of) => of.isCellSure(`${WHOLE_CUBE}//${minute}`));
  return [...minutes].filter(isSure).flatMap((minute) => {
    const [is, right] = [found.get(minute) ?? 0, expected.get(minute) ?? 0];
    return is === right ? [] : [`minute ${minute} has ${is} events and should have ${right}`];
  });
}

/** How many events a minute has: its ids, and those once more that have moved and were counted in both places. */
function countedByMinute(oracles: readonly Expected[]): Map<number, number> {
  const places = new Map<string, number>();
  for (const key of oracles.flatMap(({ counted }) => [...counted])) {
    places.set(key, (places.get(key) ?? 0) + 1);
  }
  const events = new Map<number, number>();
  for (const [key, count] of places) {
    const [minute = "", id = ""] = key.split("/");
    const allowed = isMoved(id) ? count : 1;
    events.set(Number(minute), (events.get(Number(minute)) ?? 0) + allowed);
  }
  return events;
}

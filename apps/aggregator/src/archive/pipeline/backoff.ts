import { setTimeout } from "node:timers/promises";

const FIRST_MS = 250;
const LONGEST_MS = 10_000;

/**
 * Waits before the next try: twice as long each time up to ten seconds, at random between half and
 * all of it, so that programs that failed together do not come back together. Returns at once when
 * aborted.
 *
 * @param failures How many tries have failed in a row, from 1.
 */
export async function backOff(failures: number, signal: AbortSignal): Promise<void> {
  const longestMs = Math.min(LONGEST_MS, FIRST_MS * 2 ** (failures - 1));
  await pause(longestMs * (0.5 + Math.random() / 2), signal);
}

/** Waits, or returns at once when aborted. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await setTimeout(ms, undefined, { signal });
  } catch (cause) {
    if (!signal.aborted) throw cause;
  }
}

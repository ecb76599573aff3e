import { setTimeout as sleep } from "node:timers/promises";

/** Waits. Resolves early, and never rejects, when the signal aborts: the caller looks at it next. */
export async function delay(delayMs: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(delayMs, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

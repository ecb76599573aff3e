import { setTimeout as pause } from "node:timers/promises";

/** Batches so often a second that the flow looks even. */
const BATCHES_PER_SECOND = 10;

export interface Pacer {
  /** Events of one batch, so that the rate comes out even. */
  readonly batchEvents: number;
  /** Waits until `count` more events may go. */
  wait(count: number, stop: AbortSignal): Promise<void>;
}

/** Holds a flow to a rate in events per second; null lets it run. */
export function createPacer(rate: number | null, batchEventsMax: number): Pacer {
  if (rate === null) return { batchEvents: batchEventsMax, wait: async () => {} };
  let freeAtMs = Date.now();
  return {
    batchEvents: Math.min(batchEventsMax, Math.max(1, Math.round(rate / BATCHES_PER_SECOND))),
    async wait(count, stop) {
      const nowMs = Date.now();
      const waitMs = freeAtMs - nowMs;
      // After a stall the flow goes on at its rate; it does not make up for what it missed.
      freeAtMs = Math.max(freeAtMs, nowMs) + (count * 1000) / rate;
      if (waitMs > 0) await pause(waitMs, null, { signal: stop }).catch(() => null);
    },
  };
}

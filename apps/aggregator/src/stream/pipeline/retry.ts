import { LogUnavailableError } from "@trueclick/event-log";
import { StoreUnavailableError } from "../ports/faults.ts";

const FIRST_DELAY_MS = 100;
const DELAY_MAX_MS = 5_000;

export interface RetryContext {
  /** Ends the waiting, and with it the attempts. */
  readonly signal: AbortSignal;
  /** Resolves early, and never rejects, when the signal aborts. */
  readonly delay: (delayMs: number, signal: AbortSignal) => Promise<void>;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly onRetry: (error: Error) => void;
  /** Called on a success that needed more than one attempt. */
  readonly onRecovered: () => void;
}

/**
 * Does something until it succeeds, as long as its faults are of the kind that passes. A store that
 * is down stays a cause for waiting however long it lasts: recovery needs no hands, and the log
 * keeps what is not yet counted. The wait doubles up to a limit, with full jitter, so that readers
 * of a store that comes back do not all return at once.
 *
 * @throws what `attempt` throws, if it will not pass, or once the signal has ended the waiting.
 */
export async function retryWhilePassing<T>(
  attempt: () => Promise<T>,
  { signal, delay, random, onRetry, onRecovered }: RetryContext,
): Promise<T> {
  let retried = false;
  for (let delayMaxMs = FIRST_DELAY_MS; ; delayMaxMs = Math.min(2 * delayMaxMs, DELAY_MAX_MS)) {
    try {
      const result = await attempt();
      if (retried) onRecovered();
      return result;
    } catch (error) {
      if (!isPassing(error) || signal.aborted) throw error;
      retried = true;
      onRetry(error);
    }
    await delay(delayMaxMs * random(), signal);
  }
}

/** Whether a fault is of the kind that passes by itself. */
export function isPassing(error: unknown): error is Error {
  return error instanceof StoreUnavailableError || error instanceof LogUnavailableError;
}

import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";

/** How long the process waits for an engine at its start, milliseconds. */
const START_TIMEOUT_MS = 120_000;
const FIRST_DELAY_MS = 100;
const DELAY_MAX_MS = 2_000;

/** An engine did not answer in time at the start. */
class EngineUnavailableError extends Error {
  override readonly name = "EngineUnavailableError";
}

/**
 * Tries until an engine answers, whatever the fault: at the start it may be down, or its topic or
 * tables not there yet.
 *
 * @throws {EngineUnavailableError} after two minutes, or once the signal aborts.
 */
export async function untilAnswers<T>(
  engine: string,
  attempt: () => Promise<T>,
  { logger, signal }: { readonly logger: Logger; readonly signal: AbortSignal },
): Promise<T> {
  const untilMs = performance.now() + START_TIMEOUT_MS;
  for (let delayMs = FIRST_DELAY_MS; ; delayMs = Math.min(2 * delayMs, DELAY_MAX_MS)) {
    try {
      return await attempt();
    } catch (cause) {
      if (signal.aborted || performance.now() > untilMs) {
        throw new EngineUnavailableError(`${engine} does not answer`, { cause });
      }
      logger.warn({ engine, err: cause }, "waiting for an engine");
    }
    await sleep(delayMs, undefined, { signal }).catch(() => {});
  }
}

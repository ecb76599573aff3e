import { backOff, pause } from "../../archive/pipeline/backoff.ts";
import type { RoleLogger } from "../../archive/pipeline/runArchive.ts";

interface Repeated {
  readonly act: () => Promise<void>;
  /** Between two times, milliseconds. */
  readonly intervalMs: number;
  readonly logger: RoleLogger;
  /** What is told where it fails: `could not …`. */
  readonly couldNot: string;
}

/** Does something until aborted. Stores that are away are waited for. Never throws. */
export async function againAndAgain(
  { act, intervalMs, logger, couldNot }: Repeated,
  signal: AbortSignal,
): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    try {
      await act();
      failures = 0;
      await pause(intervalMs, signal);
    } catch (error) {
      failures += 1;
      logger.warn({ err: error, failures }, `${couldNot}; trying again`);
      await backOff(failures, signal);
    }
  }
}

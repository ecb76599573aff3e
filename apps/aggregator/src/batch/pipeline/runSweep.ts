import { backOff, pause } from "../../archive/pipeline/backoff.ts";
import type { RoleLogger } from "../../archive/pipeline/runArchive.ts";

export interface SweepRole {
  /** Removes rows of some builds that no version will ever name; answers of how many. */
  readonly sweep: () => Promise<number>;
  /** Between two sweeps, milliseconds. */
  readonly intervalMs: number;
  readonly logger: RoleLogger;
}

/** Sweeps dead builds until aborted. Stores that are away are waited for. Never throws. */
export async function runSweep(role: SweepRole, signal: AbortSignal): Promise<void> {
  const { sweep, intervalMs, logger } = role;
  let failures = 0;
  while (!signal.aborted) {
    try {
      const swept = await sweep();
      if (swept > 0) logger.info({ builds: swept }, "swept builds that published nothing");
      failures = 0;
      await pause(intervalMs, signal);
    } catch (error) {
      failures += 1;
      logger.warn({ err: error, failures }, "could not sweep dead builds; trying again");
      await backOff(failures, signal);
    }
  }
}

import type { RoleLogger } from "../../archive/pipeline/runArchive.ts";
import { againAndAgain } from "./againAndAgain.ts";

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
  const act = async () => {
    const swept = await sweep();
    if (swept > 0) logger.info({ builds: swept }, "swept builds that published nothing");
  };
  const couldNot = "could not sweep dead builds";
  await againAndAgain({ act, intervalMs, logger, couldNot }, signal);
}

import type { RoleLogger } from "../../archive/pipeline/runArchive.ts";
import { againAndAgain } from "./againAndAgain.ts";

export interface EmptyDaysRole {
  /** Notes days that have closed without an event; answers of how many. */
  readonly look: (nowMs: number) => Promise<number>;
  /** Between two looks, milliseconds; 0 looks never. */
  readonly intervalMs: number;
  readonly nowMs: () => number;
  readonly logger: RoleLogger;
}

/** Looks for closed days without events until aborted. Stores that are away are waited for. Never throws. */
export async function runEmptyDays(role: EmptyDaysRole, signal: AbortSignal): Promise<void> {
  const { look, intervalMs, logger, nowMs } = role;
  if (intervalMs === 0) return;
  const act = async () => {
    const noted = await look(nowMs());
    if (noted > 0) logger.info({ days: noted }, "noted days that have closed without an event");
  };
  const couldNot = "could not look for days without events";
  await againAndAgain({ act, intervalMs, logger, couldNot }, signal);
}

import type { RoleLogger } from "../../archive/pipeline/runArchive.ts";
import { type BacktestStores, runBacktest } from "./runBacktest.ts";

export interface BacktestRole extends BacktestStores {
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly logger: RoleLogger;
}

const POLL_INTERVAL_MS = 2_000;
const ERROR_LENGTH_MAX = 1_000;

/** Works off back-tests, one at a time, until aborted. Stores that are away are waited for. */
export async function runBacktests(role: BacktestRole, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      if (await runOne(role, signal)) continue;
    } catch (error) {
      if (!signal.aborted) role.logger.warn({ err: error }, "back-tests wait for a store");
    }
    await role.pause(POLL_INTERVAL_MS, signal);
  }
}

/** Answers whether there was one. */
async function runOne(role: BacktestRole, signal: AbortSignal): Promise<boolean> {
  const backtest = await role.backtests.take();
  if (backtest === null) return false;
  try {
    await role.backtests.finish(backtest.id, await runBacktest(role, backtest, signal));
  } catch (error) {
    // Left as it is, it is begun again when its lease ends.
    if (signal.aborted) throw error;
    const message = error instanceof Error ? error.message : String(error);
    await role.backtests.fail(backtest.id, message.slice(0, ERROR_LENGTH_MAX));
  }
  return true;
}

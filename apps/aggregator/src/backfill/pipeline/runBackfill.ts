import { holdPartitions, type LeaseGroup } from "../../leases/pipeline/holdPartitions.ts";
import type { StopSignals } from "../../stopSignals.ts";
import { Backfill, type BackfillStepDeps } from "./backfill.ts";

export interface BackfillDeps extends BackfillStepDeps {
  readonly leases: LeaseGroup;
  readonly delay: (delayMs: number, signal: AbortSignal) => Promise<void>;
  readonly pollIntervalMs: number;
}

/** Waits after a fault, so that a store that is down is not asked all the time. */
const FAULT_DELAY_MS = 5_000;

/**
 * Keeps the hot store whole behind the stream, in one of the processes at a time: rolls up hours
 * that have closed, and counts dirty ones again from the archive. Two at once would do no harm.
 *
 * No fault ends it: a store that is away, or an object that is damaged, keeps hours waiting, which
 * is shown, and everything else goes on.
 */
export function runBackfill(deps: BackfillDeps, signals: StopSignals): Promise<void> {
  return holdPartitions(
    deps.leases,
    async (_partition, { stopping }) => {
      const backfill = new Backfill(deps);
      while (!stopping.aborted) {
        const isWell = await backfill.step(stopping);
        await deps.delay(isWell ? deps.pollIntervalMs : FAULT_DELAY_MS, stopping);
      }
      return "ended";
    },
    signals,
  );
}

import { pause } from "./backoff.ts";
import { type Compaction, compactHours } from "./compactHours.ts";
import type { RoleLogger } from "./runArchive.ts";

export interface CompactionRole extends Compaction {
  /** Between the end of a pass and the next, milliseconds. */
  readonly intervalMs: number;
  /** Hours are left alone until they started so long ago, milliseconds. */
  readonly settledMs: number;
  /** Epoch milliseconds. */
  readonly nowMs: () => number;
  readonly logger: RoleLogger;
}

/**
 * Compacts again and again until aborted. Never throws: what goes wrong is said and tried again, for
 * the archive is whole without it.
 */
export async function runCompaction(role: CompactionRole, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await pause(role.intervalMs, signal);
    try {
      await compactHours(role, role.nowMs() - role.settledMs, signal);
    } catch (error) {
      if (!signal.aborted) role.logger.warn({ err: error }, "could not compact the archive");
    }
  }
}

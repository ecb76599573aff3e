import { setTimeout as sleep } from "node:timers/promises";

const INTERVAL_MS = 60_000;

interface ProcessorWatch {
  /** Writes down processor time, milliseconds. What it throws is told, and noted with the next. */
  readonly note: (cpuMs: number) => Promise<void>;
  readonly onFault: (error: unknown) => void;
  readonly intervalMs?: number;
  /** Processor time of this process since it began, milliseconds. */
  readonly usedMs?: () => number;
}

/**
 * Has the processor time that this process uses written down, a minute's at a time, until aborted. A process
 * that dies takes at most its last minute with it; one whose note was lost on the way back notes it twice.
 */
export async function watchProcessorUse(
  { note, onFault, intervalMs = INTERVAL_MS, usedMs = ownUseMs }: ProcessorWatch,
  signal: AbortSignal,
): Promise<void> {
  let notedMs = 0;
  while (!signal.aborted) {
    await sleep(intervalMs, undefined, { signal, ref: false }).catch(() => undefined);
    // Who is told to stop does not wait for a store that may be away.
    if (signal.aborted) return;
    const nowMs = usedMs();
    try {
      await note(nowMs - notedMs);
      notedMs = nowMs;
    } catch (error) {
      if (!signal.aborted) onFault(error);
    }
  }
}

function ownUseMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

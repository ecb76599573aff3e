import { OffsetOutOfRangeError } from "@trueclick/event-log";
import { StaleEpochError } from "../ports/checkpointStore.ts";
import type { StopReason } from "../ports/streamObserver.ts";
import {
  type PartitionDeps,
  PartitionReader,
  type PartitionSettings,
  type StopSignals,
} from "./partitionReader.ts";
import { isPassing } from "./retry.ts";

export type StreamSettings = Omit<PartitionSettings, "partition">;

/** No partition is left to read, and nobody asked for the end. */
export class StreamEndedError extends Error {
  override readonly name = "StreamEndedError";
}

/**
 * Counts every partition of the topic, each by itself, until told to stop.
 *
 * A partition that is deposed, or whose log has expired under its checkpoint, stops alone and is
 * reported; the others go on. Any other fault stops them all.
 *
 * @throws {StoreRejectedError} A store refused, and would again.
 * @throws {StreamEndedError} The last partition has stopped by itself.
 */
export async function runStream(
  deps: PartitionDeps,
  settings: StreamSettings,
  signals: StopSignals,
): Promise<void> {
  const fault = new AbortController();
  const stopping = AbortSignal.any([signals.stopping, fault.signal]);
  const partitions = Array.from({ length: deps.log.partitionCount }, (_none, index) => index);
  const ends = await Promise.allSettled(
    partitions.map(async (partition) => {
      const own = { ...settings, partition };
      try {
        await runPartition(deps, own, { stopping, deadline: signals.deadline });
      } catch (error) {
        fault.abort();
        throw error;
      }
    }),
  );
  const failed = ends.find((end) => end.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  if (!signals.stopping.aborted) throw new StreamEndedError("Every partition has stopped");
}

async function runPartition(
  deps: PartitionDeps,
  settings: PartitionSettings,
  signals: StopSignals,
): Promise<void> {
  try {
    const reader = await PartitionReader.open(deps, settings, signals);
    while (!signals.stopping.aborted) {
      const progress = await reader.step();
      // One flush an interval is enough: what comes meanwhile is written together. After a pause
      // of the log the first event is written at once.
      if (progress === "caught_up") await deps.delay(settings.flushIntervalMs, signals.stopping);
    }
  } catch (error) {
    const reason = stopReason(error);
    if (reason !== null && error instanceof Error) {
      deps.observer.stopped(settings.partition, reason, error);
    } else if (!signals.stopping.aborted || !isPassing(error)) {
      // A fault that would pass, met while stopping, ends like a crash: the log is read again.
      throw error;
    }
  }
}

function stopReason(error: unknown): StopReason | null {
  if (error instanceof OffsetOutOfRangeError) return "offset_out_of_range";
  return error instanceof StaleEpochError ? "deposed" : null;
}

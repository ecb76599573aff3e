import { OffsetOutOfRangeError, TopicReplacedError } from "@trueclick/event-log";
import {
  holdPartitions,
  type LeaseGroup,
  type PartitionEnd,
} from "../../leases/pipeline/holdPartitions.ts";
import type { StopSignals } from "../../stopSignals.ts";
import { StaleEpochError } from "../ports/checkpointStore.ts";
import { type PartitionDeps, PartitionReader, type PartitionSettings } from "./partitionReader.ts";
import { isPassing } from "./retry.ts";

export type StreamSettings = Omit<PartitionSettings, "partition">;

/**
 * Counts this process's share of the topic's partitions, each by itself, until told to stop.
 *
 * A partition that another process has taken over is left to it. One whose log is not as its
 * checkpoint says stops alone and is reported; the others go on. Any other fault stops them all.
 *
 * @throws {StoreRejectedError} A store refused, and would again.
 */
export function runStream(
  deps: PartitionDeps,
  settings: StreamSettings,
  leases: LeaseGroup,
  signals: StopSignals,
): Promise<void> {
  const work = (partition: number, own: StopSignals) =>
    runPartition(deps, { ...settings, partition }, own);
  return holdPartitions(leases, work, signals);
}

async function runPartition(
  deps: PartitionDeps,
  settings: PartitionSettings,
  signals: StopSignals,
): Promise<PartitionEnd> {
  const { partition } = settings;
  try {
    while (!signals.stopping.aborted) await readOn(deps, settings, signals);
    return "ended";
  } catch (error) {
    if (error instanceof StaleEpochError) {
      deps.observer.stopped(partition, "deposed", error);
      return "ended";
    }
    if (error instanceof OffsetOutOfRangeError) {
      deps.observer.stopped(partition, "offset_out_of_range", error);
      return "stuck";
    }
    if (error instanceof TopicReplacedError) {
      deps.observer.stopped(partition, "topic_replaced", error);
      return "stuck";
    }
    // A fault that would pass, met while stopping, ends like a crash: the log is read again.
    if (signals.stopping.aborted && isPassing(error)) return "ended";
    throw error;
  }
}

/** Until told to stop, or until the log has expired under the reader, which opens it anew. */
async function readOn(
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
    const isExpired =
      error instanceof OffsetOutOfRangeError && error.requested < error.range.startOffset;
    if (!isExpired) throw error;
  }
}

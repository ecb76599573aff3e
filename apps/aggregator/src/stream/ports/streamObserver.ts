import type { Outcome } from "../domain/outcomes.ts";
import type { EngineCheckpoint } from "../domain/partitionEngine.ts";
import type { LogGap } from "./checkpointStore.ts";

/** What one flush did. */
interface FlushFacts {
  readonly durationMs: number;
  readonly cells: number;
  readonly rejects: number;
  readonly outcomes: ReadonlyMap<Outcome, number>;
  readonly checkpoint: EngineCheckpoint;
}

/** Why a partition is read no more while the process goes on. */
export type StopReason =
  /** The log no longer holds, or does not yet hold, the offset to go on from. */
  | "offset_out_of_range"
  /** The topic is another one of the same name. */
  | "topic_replaced"
  /** Somebody else owns the partition now. */
  | "deposed";

/** Told what happens, for metrics, logs and health. Must not throw. */
export interface StreamObserver {
  owned(partition: number, epoch: bigint, checkpoint: EngineCheckpoint): void;
  flushed(partition: number, facts: FlushFacts): void;
  retrying(partition: number, step: string, error: Error): void;
  recovered(partition: number, step: string): void;
  stopped(partition: number, reason: StopReason, error: Error): void;
  /** The log had expired under the checkpoint. Counting goes on behind the gap. */
  expired(partition: number, gap: LogGap): void;
  /** The partition is no longer this process's. */
  released(partition: number): void;
}

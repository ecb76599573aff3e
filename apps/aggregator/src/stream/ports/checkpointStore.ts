import type { ModeChange } from "../domain/countingMode.ts";
import type { LogBounds } from "../domain/logGap.ts";
import type { EngineCheckpoint } from "../domain/partitionEngine.ts";

/** The right to commit for a partition, until somebody else acquires it. */
export interface Ownership {
  readonly partition: number;
  /** Raised by every acquisition. */
  readonly epoch: bigint;
  readonly checkpoint: EngineCheckpoint;
  /** How the log is counted from the restart offset on, by ascending offset. */
  readonly modes: readonly ModeChange[];
}

/** What else a commit keeps, all or nothing. */
export interface CountingFacts {
  /** Starts of hours of which not every cube was counted: dirty, too. */
  readonly degradedHoursMs: readonly number[];
  /** Starts of hours of which the log may have lost records before any was read: dirty, too. */
  readonly cutHoursMs: readonly number[];
  /** How the records from the checkpoint on are counted, if otherwise than before. */
  readonly modeChange: ModeChange | null;
}

/** Where each partition of one topic stands. */
export interface CheckpointStore {
  /**
   * Becomes the owner of a partition: whoever owned it can commit no more.
   *
   * @param startOffset Where to begin when the partition was never read.
   * @throws {StoreUnavailableError} Acquire again; an epoch left out harms nobody.
   * @throws {StoreRejectedError} Stop.
   */
  acquire(partition: number, startOffset: bigint): Promise<Ownership>;

  /**
   * Moves the checkpoint, never back, and marks hours of event time as dirty with it: all or
   * nothing, so that no late event is passed over and forgotten.
   *
   * @param lateHoursMs Starts of the hours that late events belong to, epoch milliseconds.
   * @throws {StaleEpochError} Somebody else owns the partition. Nothing was written; stop.
   * @throws {StoreUnavailableError} It may be committed. Commit again.
   * @throws {StoreRejectedError} Stop.
   */
  commit(
    owner: Ownership,
    checkpoint: EngineCheckpoint,
    lateHoursMs: readonly number[],
    facts?: CountingFacts,
  ): Promise<void>;

  /**
   * Goes on from where the log begins now, after it has expired under the checkpoint. The hours of
   * the lost stretch that the archive holds become dirty, those of the windows included that were
   * open; a row keeps what was lost.
   *
   * @throws as `commit` does. Skip again: the same is done.
   */
  skipExpired(owner: Ownership, log: LogBounds): Promise<LogGap>;

  /**
   * Marks hours of rows that were written for a commit that was refused. Whoever deposed their
   * writer may count their records otherwise, by a change of mode that the writer did not know of.
   *
   * @param hoursMs Starts of hours, epoch milliseconds.
   * @throws {StoreUnavailableError} Mark again.
   */
  markRefused(owner: Ownership, hoursMs: readonly number[]): Promise<void>;
}

/** A stretch of the log that expired before it was read. */
export interface LogGap {
  readonly fromOffset: bigint;
  /** Exclusive. */
  readonly toOffset: bigint;
  /** Event hours that are counted again from the archive. */
  readonly hours: number;
  /** False: the archive lacks some of it, too, and the hot store will never show that. */
  readonly archived: boolean;
}

export class StaleEpochError extends Error {
  override readonly name = "StaleEpochError";

  constructor({ partition, epoch }: Ownership) {
    super(`Partition ${partition} has a newer owner than epoch ${epoch}`);
  }
}

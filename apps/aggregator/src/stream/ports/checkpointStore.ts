import type { ModeChange } from "../domain/countingMode.ts";
import type { EngineCheckpoint } from "../domain/partitionEngine.ts";

/** The right to commit for a partition, until somebody else acquires it. */
export interface Ownership {
  readonly partition: number;
  /** Raised by every acquisition. */
  readonly epoch: bigint;
  readonly checkpoint: EngineCheckpoint;
  /** How the log is counted from the restart offset on, by ascending offset. */
  readonly modes: readonly ModeChange[];
  /**
   * No former owner has written rows of records from there on, or will: none of them had announced
   * it, and none can any more. Not before `checkpoint.nextOffset`.
   */
  readonly announcedOffset: bigint;
}

/** Where a partition of the log begins and ends. */
export interface LogBounds {
  readonly startOffset: bigint;
  /** Exclusive. */
  readonly endOffset: bigint;
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
   * @param log Where to begin when the partition was never read; and, when nobody knows of which
   *   records there are rows, of which ones there may be.
   * @throws {StoreUnavailableError} Acquire again; an epoch left out harms nobody.
   * @throws {StoreRejectedError} Stop.
   */
  acquire(partition: number, log: LogBounds): Promise<Ownership>;

  /**
   * Says that there may be rows of records before an offset from now on; it never moves back. A
   * change of how records are counted is only for records that no former owner has announced.
   *
   * @throws {StaleEpochError} Somebody else owns the partition. Write nothing; stop.
   * @throws {StoreUnavailableError} It may be kept. Announce again.
   * @throws {StoreRejectedError} Stop.
   */
  announce(owner: Ownership, offset: bigint): Promise<void>;

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
  skipExpired(owner: Ownership, startOffset: bigint): Promise<LogGap>;
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

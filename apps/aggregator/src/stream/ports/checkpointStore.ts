import type { EngineCheckpoint } from "../domain/partitionEngine.ts";

/** The right to commit for a partition, until somebody else acquires it. */
export interface Ownership {
  readonly partition: number;
  /** Raised by every acquisition. */
  readonly epoch: bigint;
  readonly checkpoint: EngineCheckpoint;
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
   * Moves the checkpoint, never back.
   *
   * @throws {StaleEpochError} Somebody else owns the partition. Nothing was written; stop.
   * @throws {StoreUnavailableError} It may be committed. Commit again.
   * @throws {StoreRejectedError} Stop.
   */
  commit(owner: Ownership, checkpoint: EngineCheckpoint): Promise<void>;
}

export class StaleEpochError extends Error {
  override readonly name = "StaleEpochError";

  constructor({ partition, epoch }: Ownership) {
    super(`Partition ${partition} has a newer owner than epoch ${epoch}`);
  }
}

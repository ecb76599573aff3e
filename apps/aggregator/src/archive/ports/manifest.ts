import type { ManifestObject } from "@trueclick/archive/domain/manifestObject";
import type { Stretch } from "../domain/stretch.ts";

/** The right to move one partition's checkpoint, until somebody else takes it. */
export interface ArchivePosition {
  readonly epoch: bigint;
  /** The first offset that is not archived. */
  readonly nextOffset: bigint;
}

/** What is archived. Only objects named here count; others are left over from died attempts. */
export interface Manifest {
  /**
   * Takes over a partition: earlier holders can commit no more.
   *
   * @param startOffset Where to begin when the partition was never archived.
   */
  acquire(partition: number, startOffset: bigint): Promise<ArchivePosition>;
  /**
   * Adds a stretch with its objects and moves the checkpoint behind it, all or nothing. An error
   * other than `StaleEpochError` leaves the outcome unknown: acquire again and go on from there.
   *
   * @throws {StaleEpochError} Somebody else took the partition over, or the checkpoint is elsewhere.
   */
  commit(
    epoch: bigint,
    stretch: Omit<Stretch, "records">,
    objects: readonly ManifestObject[],
  ): Promise<void>;
}

/** This holder was deposed. Stop: another one archives the partition. */
export class StaleEpochError extends Error {
  override readonly name = "StaleEpochError";
}

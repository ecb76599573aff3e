import type { Block } from "../domain/blocks.ts";

/** What a spool holds and has done since it was opened. */
export interface SpoolStats {
  /** Bytes of its files, frames and all. */
  readonly bytes: number;
  /** Blocks that are not yet released. */
  readonly records: number;
  /** Blocks taken in. */
  readonly spooledRecords: number;
  /** Blocks let go, because the log has them. */
  readonly drainedRecords: number;
  /** Appends that it could not take: full, or a failing disk. */
  readonly failedAppends: number;
  /** Bytes of writes that a crash cut short. Nobody was promised what was in them. */
  readonly tornBytes: number;
  /** Bytes of acked blocks that the disk has lost: one cannot be read, or a file is too short. */
  readonly damagedBytes: number;
  /** Files that are kept beside the spool because they are damaged or cannot be read. */
  readonly filesAside: number;
  /** Drained files that the disk would not remove yet. */
  readonly filesUnremoved: number;
}

/** Blocks on local disk, until the log has them. */
export interface Spool {
  /**
   * Resolves once all blocks are on disk and synced, and not before.
   *
   * @throws {SpoolUnavailableError} Full, or the disk fails. None is promised; what was written of
   *   them is taken back, or comes out as a further copy.
   */
  append(blocks: readonly Block[]): Promise<void>;
  /**
   * The oldest blocks that are not released, in the order in which they were appended; empty when
   * there is none. The same ones again until `release` is called.
   *
   * @throws {SpoolUnavailableError} The disk fails. If it goes on failing for the oldest ones alone,
   *   they are set aside, so that what is behind them is not held up.
   */
  peek(): Promise<readonly Block[]>;
  /**
   * Lets go of the blocks that `peek` gave last. Only after they are in the log. They are not given
   * again by this process, even if the disk refuses to remove them now.
   */
  release(): Promise<void>;
  stats(): SpoolStats;
  /** Whether the last append succeeded and there is room for a further one. */
  canTake(): boolean;
  /** Ends after appends under way. What is not released is there at the next start. */
  close(): Promise<void>;
}

export class SpoolUnavailableError extends Error {
  override readonly name = "SpoolUnavailableError";
}

import type { QuarantineRow } from "../domain/quarantineRows.ts";

/** The quarantine where it can be searched, filled from its topic. */
export interface QuarantineStore {
  /** The first offset of a partition that is not stored; null before any is. */
  nextOffset(partition: number): Promise<bigint | null>;
  /**
   * Stores rows and how far the partition is read, both or neither. Rows that are there stay as they
   * are, so that what was replayed keeps its outcome.
   */
  store(partition: number, rows: readonly QuarantineRow[], nextOffset: bigint): Promise<void>;
  /** Deletes up to `rowsMax` of what was received before, epoch milliseconds; how many went. */
  expire(beforeMs: number, rowsMax: number): Promise<number>;
}

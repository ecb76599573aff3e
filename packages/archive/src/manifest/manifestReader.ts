import type { AuditedStretch } from "../domain/manifestAudit.ts";
import type { HourObject } from "../domain/manifestObject.ts";

/** An object with what became of it. */
export interface RecordedObject extends HourObject {
  /** Objects from the log whose rows it holds; 0 of one that is from the log itself. */
  readonly mergedObjects: number;
  /** Path of the object that took its rows over; null of those that are read. */
  readonly compactedInto: string | null;
  /** Its bytes were removed, some time after it was compacted. */
  readonly isRemoved: boolean;
  /** False when no stretch has its offsets, and it is from the log: it belongs to nothing. */
  readonly hasStretch: boolean;
}

export interface ArchiveCheckpoint {
  readonly partition: number;
  /** Where its archive begins; null where that was not noted. */
  readonly startOffset: bigint | null;
  /** The first offset that is not archived. */
  readonly nextOffset: bigint;
}

/** Reads the whole manifest of one topic, in pages of bounded size. */
export interface ManifestReader {
  /** By partition, then first offset. */
  stretches(): AsyncIterable<AuditedStretch>;
  /** By event hour, partition, then first offset. */
  objects(): AsyncIterable<RecordedObject>;
  checkpoints(): Promise<readonly ArchiveCheckpoint[]>;
  /** How much `objects` will give. */
  size(): Promise<{ readonly objects: number; readonly bytes: bigint }>;
}

import type { AuditedStretch } from "../domain/manifestAudit.ts";
import type { ManifestObject } from "./manifestObject.ts";

export interface PartitionObject extends ManifestObject {
  readonly partition: number;
  /** False when no stretch has its offsets: it would be read by truth but belongs to nothing. */
  readonly hasStretch: boolean;
}

/** Reads the whole manifest of one topic, in pages of bounded size. */
export interface ManifestReader {
  /** By partition, then first offset. */
  stretches(): AsyncIterable<AuditedStretch>;
  /** By path. */
  objects(): AsyncIterable<PartitionObject>;
  checkpoints(): Promise<readonly { readonly partition: number; readonly nextOffset: bigint }[]>;
}

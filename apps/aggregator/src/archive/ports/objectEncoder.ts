import type { ArchiveRow } from "../domain/archiveRow.ts";

/** Makes the bytes of an archive object. The same rows give the same bytes. */
export interface ObjectEncoder {
  encode(rows: readonly ArchiveRow[]): Uint8Array;
}

/**
 * Bytes looked at four at a time, or copied eight at a time, by way of a `DataView`. Always the first
 * byte lowest, as most processors have it by themselves.
 */

export const WORD_BYTES = 4;
export const LONG_BYTES = 8;

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

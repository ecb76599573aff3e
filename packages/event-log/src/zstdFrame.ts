/** What a zstd frame says of itself at its beginning (RFC 8878, section 3.1.1.1). */

const MAGIC = 0xfd2fb528;
const DESCRIPTOR_AT = 4;
const SINGLE_SEGMENT = 0x20;
/** By the last two bits of the descriptor: bytes of a dictionary's id. */
const DICTIONARY_ID_BYTES = [0, 1, 2, 4];

/** How long the content of a frame is, as its writer has told; null where he has not. */
export function frameContentBytes(frame: Buffer): number | null {
  if (frame.length <= DESCRIPTOR_AT || frame.readUInt32LE(0) !== MAGIC) return null;
  const descriptor = frame[DESCRIPTOR_AT] ?? 0;
  const isSingleSegment = (descriptor & SINGLE_SEGMENT) !== 0;
  const dictionaryIdBytes = DICTIONARY_ID_BYTES[descriptor & 3] ?? 0;
  // A single segment needs no window, and so has no byte for its size.
  const at = DESCRIPTOR_AT + (isSingleSegment ? 1 : 2) + dictionaryIdBytes;
  const sizeFlag = descriptor >> 6;
  if (sizeFlag === 0 && !isSingleSegment) return null;
  const bytes = 1 << sizeFlag;
  if (frame.length < at + bytes) return null;
  if (bytes === 8) return Number(frame.readBigUInt64LE(at));
  // Two bytes begin where one byte ends.
  return frame.readUIntLE(at, bytes) + (bytes === 2 ? 256 : 0);
}

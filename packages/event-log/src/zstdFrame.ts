/** What zstd frames say of themselves (RFC 8878, sections 3.1.1 and 3.1.2). */

const MAGIC = 0xfd2fb528;
/** Skippable frames have one of sixteen magics, which differ in the last four bits. */
const SKIPPABLE_MAGIC = 0x184d2a50;
const SKIPPABLE_HEAD_BYTES = 8;
const DESCRIPTOR_AT = 4;
const SINGLE_SEGMENT = 0x20;
const CHECKSUM = 0x04;
const CHECKSUM_BYTES = 4;
/** By the last two bits of the descriptor: bytes of a dictionary's id. */
const DICTIONARY_ID_BYTES = [0, 1, 2, 4];
const BLOCK_HEAD_BYTES = 3;
/** A block of one byte, said once. */
const RLE_BLOCK = 1;

/** How long the content of a frame is, as its writer has told; null where he has not. */
export function frameContentBytes(frame: Buffer): number | null {
  const head = readHead(frame);
  if (head === null || head.sizeBytes === 0 || frame.length < head.end) return null;
  const { sizeAt, sizeBytes } = head;
  if (sizeBytes === 8) return Number(frame.readBigUInt64LE(sizeAt));
  // Two bytes begin where one byte ends.
  return frame.readUIntLE(sizeAt, sizeBytes) + (sizeBytes === 2 ? 256 : 0);
}

/**
 * The frames of a text that is compressed in one or more: laid end to end, they stand for their
 * contents laid end to end, but Node's zlib reads the first and says nothing of the others. Skippable
 * frames, which have no content, are left out. What is no whole frame comes last, with all behind it,
 * for its reader to find fault with.
 */
export function* zstdFrames(bytes: Buffer): Generator<Buffer, void> {
  let rest = bytes;
  do {
    const end = isSkippable(rest) ? skippableEnd(rest) : frameEnd(rest);
    if (end > rest.length || !isSkippable(rest)) yield rest.subarray(0, end);
    rest = rest.subarray(end);
  } while (rest.length > 0);
}

interface FrameHead {
  readonly sizeAt: number;
  /** Bytes in which the size is told; 0 where it is not. */
  readonly sizeBytes: number;
  readonly end: number;
  readonly hasChecksum: boolean;
}

/** @returns null if it is none. */
function readHead(frame: Buffer): FrameHead | null {
  if (frame.length <= DESCRIPTOR_AT || frame.readUInt32LE(0) !== MAGIC) return null;
  const descriptor = frame[DESCRIPTOR_AT] ?? 0;
  const isSingleSegment = (descriptor & SINGLE_SEGMENT) !== 0;
  const dictionaryIdBytes = DICTIONARY_ID_BYTES[descriptor & 3] ?? 0;
  // A single segment needs no window, and so has no byte for its size.
  const sizeAt = DESCRIPTOR_AT + (isSingleSegment ? 1 : 2) + dictionaryIdBytes;
  const sizeFlag = descriptor >> 6;
  const sizeBytes = sizeFlag === 0 && !isSingleSegment ? 0 : 1 << sizeFlag;
  const hasChecksum = (descriptor & CHECKSUM) !== 0;
  return { sizeAt, sizeBytes, end: sizeAt + sizeBytes, hasChecksum };
}

/** Whether it is one frame, with its end, and nothing behind it. */
export function isWholeFrame(bytes: Buffer): boolean {
  return !isSkippable(bytes) && frameEnd(bytes) === bytes.length;
}

/** Where the frame at the beginning ends; infinite if it is none, or not whole. */
function frameEnd(bytes: Buffer): number {
  const head = readHead(bytes);
  if (head === null) return Number.POSITIVE_INFINITY;
  let at = head.end;
  for (let isLast = false; !isLast; ) {
    if (at + BLOCK_HEAD_BYTES > bytes.length) return Number.POSITIVE_INFINITY;
    const block = bytes.readUIntLE(at, BLOCK_HEAD_BYTES);
    isLast = (block & 1) === 1;
    const isRle = ((block >> 1) & 3) === RLE_BLOCK;
    at += BLOCK_HEAD_BYTES + (isRle ? 1 : block >> 3);
  }
  if (head.hasChecksum) at += CHECKSUM_BYTES;
  return at <= bytes.length ? at : Number.POSITIVE_INFINITY;
}

function isSkippable(bytes: Buffer): boolean {
  return bytes.length >= 4 && (bytes.readUInt32LE(0) & ~15) >>> 0 === SKIPPABLE_MAGIC;
}

function skippableEnd(bytes: Buffer): number {
  if (bytes.length < SKIPPABLE_HEAD_BYTES) return Number.POSITIVE_INFINITY;
  return SKIPPABLE_HEAD_BYTES + bytes.readUInt32LE(4);
}

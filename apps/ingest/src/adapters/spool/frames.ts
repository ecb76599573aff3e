/**
 * Frames: how a block lies in a spool file.
 *
 * `magic (4) | payload bytes (4) | crc32 (4) | partition (4) | partition count (4) | payload`, all
 * numbers big-endian; the checksum covers everything after itself.
 *
 * The magic starts with 0xFF, which no UTF-8 text holds: nothing that a sender puts into an event
 * can be taken for a frame.
 */
import { crc32 } from "node:zlib";
import type { Block } from "../../domain/blocks.ts";

const MAGIC = 0xff_54_43_31;
const MAGIC_BYTES = Buffer.from([0xff, 0x54, 0x43, 0x31]);
const LENGTH_AT = 4;
const CRC_AT = 8;
const PARTITION_AT = 12;
const COUNT_AT = 16;
export const FRAME_HEADER_BYTES = 20;

export function toFrame({ partition, partitionCount, value }: Block): Buffer {
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + value.length);
  frame.writeUInt32BE(MAGIC, 0);
  frame.writeUInt32BE(value.length, LENGTH_AT);
  frame.writeUInt32BE(partition, PARTITION_AT);
  frame.writeUInt32BE(partitionCount, COUNT_AT);
  value.copy(frame, FRAME_HEADER_BYTES);
  frame.writeUInt32BE(crc32(frame.subarray(PARTITION_AT)), CRC_AT);
  return frame;
}

export interface ReadFrames {
  readonly blocks: readonly Block[];
  /** Bytes of a write that was cut short at the end of the file. Nobody was promised them. */
  readonly tornBytes: number;
  /** All other bytes that belong to no whole frame: there a disk has lost what it had confirmed. */
  readonly damagedBytes: number;
}

/**
 * Every whole frame of a file, in order. A torn frame, or one whose checksum fails, is skipped to
 * the next whole one: damage in one place must not cost the events behind it.
 */
export function readFrames(bytes: Buffer): ReadFrames {
  const blocks: Block[] = [];
  let readBytes = 0;
  let wholeUntil = 0;
  for (let at = 0; at < bytes.length; ) {
    const block = frameAt(bytes, at);
    if (block === null) {
      const next = bytes.indexOf(MAGIC_BYTES, at + 1);
      at = next === -1 ? bytes.length : next;
      continue;
    }
    blocks.push(block);
    const frameBytes = FRAME_HEADER_BYTES + block.value.length;
    readBytes += frameBytes;
    at += frameBytes;
    wholeUntil = at;
  }
  const tail = bytes.subarray(wholeUntil);
  const tornBytes = isTorn(tail) ? tail.length : 0;
  return { blocks, tornBytes, damagedBytes: bytes.length - readBytes - tornBytes };
}

function frameAt(bytes: Buffer, at: number): Block | null {
  if (bytes.length - at < FRAME_HEADER_BYTES || bytes.readUInt32BE(at) !== MAGIC) return null;
  const end = at + FRAME_HEADER_BYTES + bytes.readUInt32BE(at + LENGTH_AT);
  if (end > bytes.length) return null;
  if (bytes.readUInt32BE(at + CRC_AT) !== crc32(bytes.subarray(at + PARTITION_AT, end)))
    return null;
  return {
    partition: bytes.readUInt32BE(at + PARTITION_AT),
    partitionCount: bytes.readUInt32BE(at + COUNT_AT),
    value: bytes.subarray(at + FRAME_HEADER_BYTES, end),
  };
}

/**
 * Whether a tail is what a write leaves that a crash or a full disk cut short: the beginning of one
 * frame, then perhaps the zeros that a file system shows where it had only reserved the space.
 */
function isTorn(tail: Buffer): boolean {
  const written = tail.subarray(0, tail.findLastIndex((byte) => byte !== 0) + 1);
  const magic = written.subarray(0, MAGIC_BYTES.length);
  if (!magic.equals(MAGIC_BYTES.subarray(0, magic.length))) return false;
  if (written.length < CRC_AT) return true;
  return FRAME_HEADER_BYTES + written.readUInt32BE(LENGTH_AT) > written.length;
}

import { crc32 } from "node:zlib";

/** The CRC-32 of zlib, reflected. */
const POLYNOMIAL = 0xedb88320;
const BYTES = 256;
/** Bytes that are summed at once: each by a table of its own, so that no look-up waits for another. */
const STEP = 4;
/** For a byte with none to three bytes behind it, one table after the other. */
const TABLES = new Int32Array(STEP * BYTES);
for (let byte = 0; byte < BYTES; byte += 1) {
  let crc = byte;
  for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) === 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
  TABLES[byte] = crc;
}
for (let at = BYTES; at < STEP * BYTES; at += 1) {
  const before = TABLES[at - BYTES] ?? 0;
  TABLES[at] = (before >>> 8) ^ (TABLES[before & 0xff] ?? 0);
}

/**
 * The partition of an event: crc32 of its id, modulo the number of partitions.
 *
 * A retry carries the same id, so it lands where its first copy is and dedupe needs no state shared
 * between partitions. Campaigns are spread over all partitions, so no hot one can overload any.
 */
export function partitionOf(eventId: string, partitionCount: number): number {
  return crc32(eventId) % partitionCount;
}

/**
 * The same of an id that stands in bytes, `[start, end)`. For so few of them the way into native
 * code and back takes longer than the sum itself.
 */
export function partitionOfBytes(
  bytes: Uint8Array,
  { start, end }: { readonly start: number; readonly end: number },
  partitionCount: number,
): number {
  let crc = -1;
  let at = start;
  for (; at + STEP <= end; at += STEP) {
    crc ^= wordAt(bytes, at);
    crc =
      (TABLES[3 * BYTES + (crc & 0xff)] ?? 0) ^
      (TABLES[2 * BYTES + ((crc >>> 8) & 0xff)] ?? 0) ^
      (TABLES[BYTES + ((crc >>> 16) & 0xff)] ?? 0) ^
      (TABLES[crc >>> 24] ?? 0);
  }
  for (; at < end; at += 1) {
    crc = (crc >>> 8) ^ (TABLES[(crc ^ (bytes[at] ?? 0)) & 0xff] ?? 0);
  }
  return ((crc ^ -1) >>> 0) % partitionCount;
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] ?? 0) |
    ((bytes[at + 1] ?? 0) << 8) |
    ((bytes[at + 2] ?? 0) << 16) |
    ((bytes[at + 3] ?? 0) << 24)
  );
}

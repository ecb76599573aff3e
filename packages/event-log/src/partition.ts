import { crc32 } from "node:zlib";

/**
 * The partition of an event: crc32 of its id, modulo the number of partitions.
 *
 * A retry carries the same id, so it lands where its first copy is and dedupe needs no state shared
 * between partitions. Campaigns are spread over all partitions, so no hot one can overload any.
 */
export function partitionOf(eventId: string, partitionCount: number): number {
  return crc32(eventId) % partitionCount;
}

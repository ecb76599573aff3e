import { type AppendRequest, LogRejectedError, RECORD_BYTES_MAX } from "./port.ts";

/**
 * What every adapter refuses before it sends anything.
 *
 * @throws {RangeError} No such partition.
 * @throws {LogRejectedError} A record is larger than `RECORD_BYTES_MAX`.
 */
export function assertAppendable(records: readonly AppendRequest[], partitionCount: number): void {
  for (const { partition, value } of records) {
    assertPartition(partition, partitionCount);
    if (value.length > RECORD_BYTES_MAX) {
      throw new LogRejectedError(
        `A record of ${value.length} bytes is larger than the ${RECORD_BYTES_MAX} that the log takes`,
      );
    }
  }
}

/** @throws {RangeError} No such partition. */
export function assertPartition(partition: number, partitionCount: number): void {
  if (Number.isSafeInteger(partition) && partition >= 0 && partition < partitionCount) return;
  throw new RangeError(`There is no partition ${partition}, only 0 to ${partitionCount - 1}`);
}

/** @throws {RangeError} Append times fall within a partition. */
export function assertTimesRise(
  records: readonly { readonly partition: number; readonly appendTimeMs: number }[],
): void {
  const latestMs = new Map<number, number>();
  for (const { partition, appendTimeMs } of records) {
    const beforeMs = latestMs.get(partition) ?? 0;
    if (!Number.isSafeInteger(appendTimeMs) || appendTimeMs < beforeMs) {
      throw new RangeError(
        `Append time ${appendTimeMs} in partition ${partition} comes after ${beforeMs}`,
      );
    }
    latestMs.set(partition, appendTimeMs);
  }
}

import type { LogRange } from "@trueclick/archive/domain/manifestAudit";
import type { EventLog } from "@trueclick/event-log";

/** Of each partition of a topic, the offset that its next record gets. */
export async function endOffsets(log: EventLog, topic: string): Promise<bigint[]> {
  const ranges = await logRanges(log, topic);
  return ranges.map(({ endOffset }) => endOffset);
}

/** What the log holds of each partition of a topic, by partition. @throws {UnknownTopicError} */
export async function logRanges(log: EventLog, topic: string): Promise<LogRange[]> {
  const reader = await log.reader(topic);
  try {
    const partitions = Array.from({ length: reader.partitionCount }, (_, partition) => partition);
    return await Promise.all(
      partitions.map(async (partition) => ({ partition, ...(await reader.offsets(partition)) })),
    );
  } finally {
    await reader.close();
  }
}

/** Records that a reader of the log has yet to read. */
export function missingRecords(
  ends: readonly bigint[],
  checkpoints: readonly { readonly partition: number; readonly nextOffset: bigint }[],
): bigint {
  const next = new Map(checkpoints.map(({ partition, nextOffset }) => [partition, nextOffset]));
  return ends
    .map((end, partition) => end - (next.get(partition) ?? 0n))
    .reduce((sum, missing) => sum + (missing > 0n ? missing : 0n), 0n);
}

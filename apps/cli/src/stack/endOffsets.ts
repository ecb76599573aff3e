import type { EventLog } from "@trueclick/event-log";

/** Of each partition of a topic, the offset that its next record gets. */
export async function endOffsets(log: EventLog, topic: string): Promise<bigint[]> {
  const reader = await log.reader(topic);
  try {
    const partitions = Array.from({ length: reader.partitionCount }, (_, partition) => partition);
    const ranges = await Promise.all(partitions.map((partition) => reader.offsets(partition)));
    return ranges.map(({ endOffset }) => endOffset);
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

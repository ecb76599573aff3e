import type { EventLog } from "@trueclick/event-log";
import { blockLines } from "@trueclick/shared/event/block";

/** Every line of a topic, in the order of each partition, with the partition it lies in. */
export async function storedLines(log: EventLog, topic: string) {
  const reader = await log.reader(topic);
  const { signal } = new AbortController();
  const found: { readonly partition: number; readonly line: string }[] = [];
  try {
    for (let partition = 0; partition < reader.partitionCount; partition += 1) {
      const { startOffset, endOffset } = await reader.offsets(partition);
      for (let fromOffset = startOffset; fromOffset < endOffset; ) {
        const request = { partition, fromOffset, recordsMax: 500, waitMs: 1_000, signal };
        const records = await reader.read(request);
        for (const { value, offset } of records) {
          for (const line of blockLines(value)) {
            found.push({ partition, line: Buffer.from(line).toString() });
          }
          fromOffset = offset + 1n;
        }
      }
    }
  } finally {
    await reader.close();
  }
  return found;
}

/** The ids of all events of a topic; a further copy of one shows only as itself. */
export async function storedEventIds(log: EventLog, topic: string): Promise<Set<string>> {
  const lines = await storedLines(log, topic);
  return new Set(lines.map(({ line }): string => JSON.parse(line).event_id));
}

import type { EventLogReader, LogRecord } from "../port.ts";

const never = new AbortController().signal;

/** Reads what is there from an offset on, without waiting for more. */
export async function drain(
  reader: EventLogReader,
  partition: number,
  fromOffset = 0n,
  recordsMax = 100,
): Promise<LogRecord[]> {
  const { endOffset } = await reader.offsets(partition);
  const drained: LogRecord[] = [];
  let next = fromOffset;
  while (next < endOffset) {
    const request = { partition, fromOffset: next, recordsMax, waitMs: 5_000, signal: never };
    const records = await reader.read(request);
    const last = records.at(-1);
    if (last === undefined) throw new Error(`Offset ${next} of ${endOffset} never came`);
    drained.push(...records);
    next = last.offset + 1n;
  }
  return drained;
}

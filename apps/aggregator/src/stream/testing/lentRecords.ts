import type { LogRecord } from "@trueclick/event-log";

/** No part of any event. */
const SCRUBBED = 0x07;

/** Records whose bytes are their reader's alone, as those of a log are. */
export function lend<Row extends LogRecord>(records: readonly Row[]): readonly Row[] {
  return records.map((record) => ({ ...record, value: Buffer.from(record.value) }));
}

/** Overwrites what comes back, so that whoever still looks at it reads nonsense. */
export function scrub(records: readonly LogRecord[]): void {
  for (const { value } of records) value.fill(SCRUBBED);
}

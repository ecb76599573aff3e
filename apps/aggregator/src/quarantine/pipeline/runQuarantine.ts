/**
 * Brings the quarantine's topic to its store, until told to stop.
 *
 * Rows and checkpoint are written together, and rows are keyed by their coordinates: a process that
 * dies anywhere reads a stretch again and changes nothing. For the same reason two processes may do
 * it side by side.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type EventLogReader, type LogRecord, OffsetOutOfRangeError } from "@trueclick/event-log";
import { toQuarantineRow } from "../domain/quarantineRows.ts";
import type { QuarantineStore } from "../ports/quarantineStore.ts";

/** Each may be half a megabyte. */
const RECORDS_MAX = 32;
const READ_WAIT_MS = 1_000;
const RETRY_FIRST_MS = 250;
const RETRY_MAX_MS = 10_000;
const EXPIRE_EVERY_MS = 60_000;
const EXPIRE_ROWS_MAX = 5_000;

export interface QuarantineRun {
  readonly reader: EventLogReader;
  readonly store: QuarantineStore;
  /** How long items are kept, milliseconds. */
  readonly retentionMs: number;
  readonly nowMs: () => number;
  readonly onFault: (error: unknown) => void;
  /** Told of records that are none of ours. */
  readonly onUnreadable: (record: LogRecord) => void;
}

/** Ends when the signal aborts. Faults are told and tried again: nothing else depends on it. */
export async function runQuarantine(run: QuarantineRun, stopping: AbortSignal): Promise<void> {
  const partitions = Array.from({ length: run.reader.partitionCount }, (_, index) => index);
  await Promise.all([
    ...partitions.map((partition) => keepOn(run, stopping, () => follow(run, partition, stopping))),
    keepOn(run, stopping, () => expireOnce(run, stopping)),
  ]);
}

async function keepOn(
  { onFault }: QuarantineRun,
  stopping: AbortSignal,
  step: () => Promise<void>,
): Promise<void> {
  let delayMs = RETRY_FIRST_MS;
  while (!stopping.aborted) {
    try {
      await step();
      delayMs = RETRY_FIRST_MS;
    } catch (error) {
      if (stopping.aborted) return;
      onFault(error);
      await sleep(delayMs * (0.5 + Math.random() / 2), undefined, { signal: stopping }).catch(
        () => {},
      );
      delayMs = Math.min(2 * delayMs, RETRY_MAX_MS);
    }
  }
}

/** Stores what one partition holds, until told to stop. */
async function follow(run: QuarantineRun, partition: number, signal: AbortSignal): Promise<void> {
  const { reader, store } = run;
  let fromOffset = await store.nextOffset(partition);
  fromOffset ??= (await reader.offsets(partition)).startOffset;
  while (!signal.aborted) {
    const records = await readOn(run, { partition, fromOffset, signal });
    const last = records.at(-1);
    if (last === undefined) continue;
    const rows = records.flatMap((record) => {
      const row = toQuarantineRow(record, record.value.toString());
      if (row === null) run.onUnreadable(record);
      return row ?? [];
    });
    await store.store(partition, rows, last.offset + 1n);
    fromOffset = last.offset + 1n;
  }
}

async function readOn(
  { reader, store }: QuarantineRun,
  place: { readonly partition: number; readonly fromOffset: bigint; readonly signal: AbortSignal },
): Promise<readonly LogRecord[]> {
  try {
    return await reader.read({ ...place, recordsMax: RECORDS_MAX, waitMs: READ_WAIT_MS });
  } catch (error) {
    if (!(error instanceof OffsetOutOfRangeError)) throw error;
    // Its records expired before they were read, or the log was made anew. What is left is taken.
    if (error.range.startOffset > place.fromOffset) {
      await store.store(place.partition, [], error.range.startOffset);
    }
    throw error;
  }
}

async function expireOnce(run: QuarantineRun, signal: AbortSignal): Promise<void> {
  const { store, retentionMs, nowMs } = run;
  const gone = await store.expire(nowMs() - retentionMs, EXPIRE_ROWS_MAX);
  if (gone >= EXPIRE_ROWS_MAX) return;
  await sleep(EXPIRE_EVERY_MS, undefined, { signal }).catch(() => {});
}

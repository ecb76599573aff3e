import {
  type EventLogReader,
  type LogRecord,
  OffsetOutOfRangeError,
  type ReadRequest,
} from "@trueclick/event-log";
import { lend, scrub } from "../testing/lentRecords.ts";
import type { SimulatedRecord } from "./simulatedTraffic.ts";

/** A log that is appended to, and forgets, while it is read. */
export class SimulatedLog implements EventLogReader {
  readonly topic = "clicks.raw";
  /** How many there are by now: in some runs the last one comes later. */
  partitionCount: number;
  readonly #records: readonly (readonly SimulatedRecord[])[];
  readonly #appended: number[];
  readonly #startOffsets: bigint[];

  constructor(records: readonly (readonly SimulatedRecord[])[]) {
    this.#records = records;
    this.partitionCount = records.length;
    this.#appended = records.map(() => 0);
    this.#startOffsets = records.map(() => 0n);
  }

  /** Appends the next record of a partition, if one is left. */
  append(partition: number): void {
    const total = this.#records[partition]?.length ?? 0;
    this.#appended[partition] = Math.min(total, (this.#appended[partition] ?? 0) + 1);
  }

  appendAll(): void {
    for (const [partition, records] of this.#records.entries()) {
      this.#appended[partition] = records.length;
    }
  }

  /** Forgets what lies before an offset; from 0 on, it has it all again. */
  expire(partition: number, startOffset: bigint): void {
    this.#startOffsets[partition] = startOffset;
  }

  async read(request: ReadRequest): Promise<readonly SimulatedRecord[]> {
    return lend(this.readNow(request));
  }

  release(records: readonly LogRecord[]): void {
    scrub(records);
  }

  /** @throws {OffsetOutOfRangeError} The log has forgotten what is there, or never had it. */
  readNow({
    partition,
    fromOffset,
    recordsMax,
  }: Pick<ReadRequest, "partition" | "fromOffset" | "recordsMax">): SimulatedRecord[] {
    const range = this.rangeOf(partition);
    if (fromOffset < range.startOffset || fromOffset > range.endOffset) {
      throw new OffsetOutOfRangeError(partition, fromOffset, range);
    }
    const appended = (this.#records[partition] ?? []).slice(0, this.#appended[partition]);
    return appended.filter(({ offset }) => offset >= fromOffset).slice(0, recordsMax);
  }

  async offsets(partition: number) {
    return this.rangeOf(partition);
  }

  rangeOf(partition: number) {
    const startOffset = this.#startOffsets[partition] ?? 0n;
    const last = this.#records[partition]?.[(this.#appended[partition] ?? 0) - 1];
    const endOffset = last === undefined ? startOffset : last.offset + 1n;
    return { startOffset, endOffset };
  }

  async close(): Promise<void> {}
}

import {
  type EventLogReader,
  type LogRecord,
  OffsetOutOfRangeError,
  type ReadRequest,
} from "@trueclick/event-log";
import { lend, scrub } from "./lentRecords.ts";

/** A log of one partition. Records may leave gaps between offsets, as Kafka's do. */
export class MemoryLogReader implements EventLogReader {
  readonly topic = "clicks.raw";
  readonly partitionCount = 1;
  readonly #records: readonly LogRecord[];
  readonly #startOffset: bigint;

  constructor(records: readonly LogRecord[], startOffset = 0n) {
    this.#records = records;
    this.#startOffset = startOffset;
  }

  async read({ partition, fromOffset, recordsMax }: ReadRequest): Promise<readonly LogRecord[]> {
    const range = await this.offsets();
    if (fromOffset < range.startOffset || fromOffset > range.endOffset) {
      throw new OffsetOutOfRangeError(partition, fromOffset, range);
    }
    return lend(this.#records.filter(({ offset }) => offset >= fromOffset).slice(0, recordsMax));
  }

  release(records: readonly LogRecord[]): void {
    scrub(records);
  }

  async offsets() {
    const last = this.#records.at(-1);
    const endOffset = last === undefined ? this.#startOffset : last.offset + 1n;
    return { startOffset: this.#startOffset, endOffset };
  }

  async close(): Promise<void> {}
}

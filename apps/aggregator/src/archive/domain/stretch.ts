import type { EncoderRecord } from "@trueclick/archive/domain/encoderStretch";
import { hourStartMs } from "@trueclick/archive/domain/objectPath";
import { countBlockLines } from "@trueclick/shared/event/block";

/** A stretch of one partition, complete: ready to become one object per event hour. */
export interface Stretch {
  readonly partition: number;
  /** Inclusive. Where the one before ended, so offsets that the log left out belong to this one. */
  readonly firstOffset: bigint;
  /** Inclusive: the offset of the last record. */
  readonly lastOffset: bigint;
  /** Lines of all blocks; the rows of the objects add up to it. */
  readonly events: number;
  /** Highest append time of a record, epoch milliseconds. */
  readonly newestAppendMs: number;
  readonly records: readonly EncoderRecord[];
}

export interface StretchLimits {
  /** A stretch that holds as many events is written. It may pass them by one record. */
  readonly eventsMax: number;
  /** The same for uncompressed bytes. */
  readonly bytesMax: number;
  /**
   * The same for UTC hours of append time. A stretch makes about one object an hour that it spans,
   * so a long past that is read at once comes in pieces, each of which is progress.
   */
  readonly hoursMax: number;
}

/** Collects the records of one partition until they are enough for a stretch. */
export class StretchCollector {
  readonly #partition: number;
  readonly #limits: StretchLimits;
  #firstOffset: bigint;
  #records: EncoderRecord[] = [];
  #events = 0;
  #bytes = 0;
  #hours = new Set<number>();

  /** @param firstOffset Where the last stretch ended: the first offset that is not archived. */
  constructor(partition: number, firstOffset: bigint, limits: StretchLimits) {
    this.#partition = partition;
    this.#firstOffset = firstOffset;
    this.#limits = limits;
  }

  /** The offset to read next. */
  get nextOffset(): bigint {
    const last = this.#records.at(-1);
    return last === undefined ? this.#firstOffset : last.offset + 1n;
  }

  get isEmpty(): boolean {
    return this.#records.length === 0;
  }

  get isFull(): boolean {
    const { eventsMax, bytesMax, hoursMax } = this.#limits;
    return this.#events >= eventsMax || this.#bytes >= bytesMax || this.#hours.size >= hoursMax;
  }

  /**
   * Takes in the next record.
   *
   * @throws {RangeError} if it does not come after all records so far: the reader is broken.
   */
  add(record: EncoderRecord): void {
    if (record.offset < this.nextOffset) {
      throw new RangeError(`offset ${record.offset} came after ${this.nextOffset - 1n}`);
    }
    this.#records.push(record);
    this.#events += countBlockLines(record.value);
    this.#bytes += record.value.length;
    this.#hours.add(hourStartMs(record.appendTimeMs));
  }

  /** Hands over what was collected and starts the next stretch; null when there is nothing. */
  take(): Stretch | null {
    const last = this.#records.at(-1);
    if (last === undefined) return null;
    const stretch = {
      partition: this.#partition,
      firstOffset: this.#firstOffset,
      lastOffset: last.offset,
      events: this.#events,
      newestAppendMs: this.#records.reduce((max, at) => Math.max(max, at.appendTimeMs), 0),
      records: this.#records,
    };
    this.#firstOffset = last.offset + 1n;
    this.#records = [];
    this.#events = 0;
    this.#bytes = 0;
    this.#hours = new Set();
    return stretch;
  }
}

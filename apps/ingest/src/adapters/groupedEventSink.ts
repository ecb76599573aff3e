/**
 * One append for the requests of one moment (group commit). Small requests come by the thousand, and
 * each append costs a round trip, an fsync and a compression whatever its size: so while an append is
 * under way the blocks of further requests are gathered, those of one partition joined, and go out
 * together. On an idle edge nothing waits for anything.
 */
import { BLOCK_EVENTS_MAX, countBlockLines } from "@trueclick/shared/event/block";
import type { Block } from "../domain/blocks.ts";
import { type EventSink, SinkUnavailableError } from "../ports/eventSink.ts";

/** What arrives meanwhile is gathered. Two, so that one is on its way while one is made durable. */
const APPENDS_IN_FLIGHT_MAX = 2;
/**
 * A second append begins once so much is gathered, bytes. For less it would only be one more round
 * trip and one more compression, and would wait at the log for the first anyway.
 */
const SECOND_APPEND_BYTES_MIN = 65_536;
/** One append holds at most this much, unless a single request has more, bytes. */
const APPEND_BYTES_MAX = 4 * 1_048_576;
/** Bytes gathered or on their way; what comes on top is refused at once. */
const PENDING_BYTES_MAX = 64 * 1_048_576;
/** Larger blocks gain nothing by being joined, bytes. */
const JOINED_BYTES_MAX = 65_536;

const LINE_FEED = Buffer.from("\n");

interface Call {
  readonly blocks: readonly Block[];
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class GroupedEventSink implements EventSink {
  readonly #sink: EventSink;
  #waiting: Call[] = [];
  /** Bytes of what waits, and of what waits or is on its way. */
  #waitingBytes = 0;
  #pendingBytes = 0;
  #inFlight = 0;
  #isScheduled = false;

  constructor(sink: EventSink) {
    this.#sink = sink;
  }

  partitionCount(): number | null {
    return this.#sink.partitionCount();
  }

  ping(): Promise<void> {
    return this.#sink.ping();
  }

  append(blocks: readonly Block[]): Promise<void> {
    let bytes = 0;
    for (const { value } of blocks) bytes += value.length;
    if (this.#pendingBytes > 0 && this.#pendingBytes + bytes > PENDING_BYTES_MAX) {
      const message = `${this.#pendingBytes} bytes are waiting for the log already`;
      return Promise.reject(new SinkUnavailableError(message));
    }
    this.#pendingBytes += bytes;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ blocks, bytes, resolve, reject });
      this.#waitingBytes += bytes;
      if (this.#isScheduled || !this.#mayStart()) return;
      this.#isScheduled = true;
      // Not at once: the requests that were read in the same turn go together.
      setImmediate(() => {
        this.#isScheduled = false;
        this.#startAppends();
      });
    });
  }

  #mayStart(): boolean {
    if (this.#waiting.length === 0 || this.#inFlight >= APPENDS_IN_FLIGHT_MAX) return false;
    return this.#inFlight === 0 || this.#waitingBytes >= SECOND_APPEND_BYTES_MIN;
  }

  #startAppends(): void {
    while (this.#mayStart()) {
      this.#inFlight += 1;
      void this.#append(this.#takeCalls()).finally(() => {
        this.#inFlight -= 1;
        this.#startAppends();
      });
    }
  }

  /** As many as one append may hold, oldest first. */
  #takeCalls(): readonly Call[] {
    let bytes = 0;
    let count = 0;
    for (const call of this.#waiting) {
      bytes += call.bytes;
      if (count > 0 && bytes > APPEND_BYTES_MAX) break;
      count += 1;
      this.#waitingBytes -= call.bytes;
    }
    return this.#waiting.splice(0, count);
  }

  /** A group is as durable as its append: if that is not known, nobody in it is promised anything. */
  async #append(calls: readonly Call[]): Promise<void> {
    try {
      await this.#sink.append(joinBlocks(calls.flatMap(({ blocks }) => blocks)));
      this.#release(calls);
      for (const { resolve } of calls) resolve();
    } catch (error) {
      // Those that wait would only wait as long again for the same; their senders keep the events.
      const all = [...calls, ...this.#waiting.splice(0)];
      this.#waitingBytes = 0;
      this.#release(all);
      for (const { reject } of all) reject(error);
    }
  }

  #release(calls: readonly Call[]): void {
    for (const { bytes } of calls) this.#pendingBytes -= bytes;
  }
}

interface Joined {
  readonly partition: number;
  readonly partitionCount: number;
  readonly values: Buffer[];
  bytes: number;
  events: number;
}

/** Joins small blocks of one partition, within the limits of a block. */
function joinBlocks(blocks: readonly Block[]): readonly Block[] {
  if (blocks.length < 2) return blocks;
  const joined: Joined[] = [];
  const openByPlace = new Map<string, Joined>();
  for (const { partition, partitionCount, value } of blocks) {
    // Which partition of how many: the log may have been reached in between.
    const place = `${partition}/${partitionCount}`;
    const events = value.length < JOINED_BYTES_MAX ? countBlockLines(value) : BLOCK_EVENTS_MAX;
    let open = openByPlace.get(place);
    if (open === undefined || !hasRoom(open, value, events)) {
      open = { partition, partitionCount, values: [], bytes: 0, events: 0 };
      joined.push(open);
      openByPlace.set(place, open);
    }
    open.values.push(value);
    open.bytes += value.length + 1;
    open.events += events;
  }
  return joined.map(({ partition, partitionCount, values }) => ({
    partition,
    partitionCount,
    value: joinLines(values),
  }));
}

function hasRoom(open: Joined, value: Buffer, events: number): boolean {
  const bytes = open.bytes + value.length;
  return bytes <= JOINED_BYTES_MAX && open.events + events <= BLOCK_EVENTS_MAX;
}

function joinLines(values: readonly Buffer[]): Buffer {
  const [first] = values;
  if (first !== undefined && values.length === 1) return first;
  return Buffer.concat(
    values.flatMap((value, index) => (index === 0 ? [value] : [LINE_FEED, value])),
  );
}

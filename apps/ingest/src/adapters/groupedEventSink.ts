/**
 * One append for the requests of one moment (group commit). Small requests come by the thousand, and
 * each append costs a round trip, an fsync and a compression whatever its size: so while an append is
 * under way the blocks of further requests are gathered, those of one partition joined, and go out
 * together. On an idle edge nothing waits for anything.
 */
import { BLOCK_EVENTS_MAX, countBlockLines } from "@trueclick/shared/event/block";
import { type Block, gatherBlocks, type Line } from "../domain/blocks.ts";
import { ReusedBuffers } from "../domain/reusedBuffers.ts";
import { type EventSink, type LineSink, SinkUnavailableError } from "../ports/eventSink.ts";
import { StagedLines } from "./stagedLines.ts";

/** What arrives meanwhile is gathered. Two, so that one is on its way while one is made durable. */
const APPENDS_IN_FLIGHT_MAX = 2;
/**
 * A second append begins once so much is gathered, bytes, and as much as is under way. For less it
 * would only be one more round trip, one more compression and one more fsync, and would wait at the
 * log for the first anyway: begun for the first request that comes, it is that one alone, and all
 * that come behind it wait for two appends.
 */
const SECOND_APPEND_BYTES_MIN = 65_536;
/** One append holds at most this much, unless a single request has more, bytes. */
const APPEND_BYTES_MAX = 4 * 1_048_576;
/** Bytes gathered or on their way; what comes on top is refused at once. */
const PENDING_BYTES_MAX = 64 * 1_048_576;
/** Larger blocks gain nothing by being joined, bytes. */
const JOINED_BYTES_MAX = 65_536;
/** Lines of larger requests become blocks at once: there is little left to join, bytes. */
const STAGED_BYTES_MAX = 16_384;

/** Buffers of blocks that are kept, of each size: two appends of eight large requests each. */
const BUFFERS_KEPT_MAX = 16;
/**
 * While more is pending, bytes, blocks lie in memory of their own length: what is used again may be
 * twice as long, and of so much little would be kept.
 */
const REUSED_PENDING_BYTES_MAX = 8 * 1_048_576;

const LINE_FEED = 0x0a;

type Take = (length: number) => Buffer;

/** What goes out in one append, and who waits for it. */
class Group {
  readonly blocks: Block[] = [];
  bytes = 0;
  /** Where its blocks lie, as far as that is ours. */
  readonly memory: Buffer[] = [];
  /** One promise for all of them. */
  readonly appended = Promise.withResolvers<void>();
}

export class GroupedEventSink implements LineSink {
  readonly #sink: EventSink;
  readonly #blockBytesMax: number;
  /** Oldest first. Further ones join the last while there is room in it. */
  #waiting: Group[] = [];
  /** Lines of the last group that are not blocks yet. */
  readonly #staged = new StagedLines(JOINED_BYTES_MAX);
  readonly #buffers = new ReusedBuffers(BUFFERS_KEPT_MAX);
  /** Bytes of what waits, and of what waits or is on its way. */
  #waitingBytes = 0;
  #pendingBytes = 0;
  #inFlight = 0;
  #isScheduled = false;

  /** @param blockBytesMax Most bytes of a block. */
  constructor(sink: EventSink, blockBytesMax: number) {
    this.#sink = sink;
    this.#blockBytesMax = blockBytesMax;
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
    const group = this.#join(bytes);
    if (group === null) return this.#refuse();
    group.blocks.push(...blocks);
    return group.appended.promise;
  }

  appendLines(bytes: Buffer, lines: readonly Line[], partitionCount: number): Promise<void> {
    let size = 0;
    for (const { start, end } of lines) size += end - start + 1;
    const group = this.#join(size);
    if (group === null) return this.#refuse();
    if (size > STAGED_BYTES_MAX) {
      const limits = { partitionCount, bytesMax: this.#blockBytesMax };
      group.blocks.push(...gatherBlocks(bytes, lines, limits, this.#memoryOf(group)));
      return group.appended.promise;
    }
    // The log may have been reached in between.
    if (!this.#staged.fits(partitionCount)) this.#takeStaged(group);
    this.#staged.add(bytes, lines, partitionCount);
    return group.appended.promise;
  }

  /** The group that takes so many more bytes; null if there are too many already. */
  #join(bytes: number): Group | null {
    if (this.#pendingBytes > 0 && this.#pendingBytes + bytes > PENDING_BYTES_MAX) return null;
    let group = this.#waiting.at(-1);
    if (group === undefined || group.bytes + bytes > APPEND_BYTES_MAX) {
      if (group !== undefined) this.#takeStaged(group);
      group = new Group();
      this.#waiting.push(group);
    }
    group.bytes += bytes;
    this.#waitingBytes += bytes;
    this.#pendingBytes += bytes;
    if (!this.#isScheduled && this.#mayStart()) {
      this.#isScheduled = true;
      // Not at once: the requests that were read in the same turn go together.
      setImmediate(() => {
        this.#isScheduled = false;
        this.#startAppends();
      });
    }
    return group;
  }

  #takeStaged(group: Group): void {
    group.blocks.push(...this.#staged.take(this.#memoryOf(group)));
  }

  /** Memory for blocks of a group, to be given back when they have been read. */
  #memoryOf(group: Group): Take {
    return (length) => {
      if (this.#pendingBytes > REUSED_PENDING_BYTES_MAX) return Buffer.allocUnsafeSlow(length);
      const buffer = this.#buffers.take(length);
      group.memory.push(buffer);
      return buffer;
    };
  }

  #refuse(): Promise<never> {
    const message = `${this.#pendingBytes} bytes are waiting for the log already`;
    return Promise.reject(new SinkUnavailableError(message));
  }

  #mayStart(): boolean {
    if (this.#waiting.length === 0 || this.#inFlight >= APPENDS_IN_FLIGHT_MAX) return false;
    const bytesInFlight = this.#pendingBytes - this.#waitingBytes;
    const bytesMin = Math.max(SECOND_APPEND_BYTES_MIN, bytesInFlight);
    return this.#inFlight === 0 || this.#waitingBytes >= bytesMin;
  }

  #startAppends(): void {
    while (this.#mayStart()) {
      const group = this.#waiting.shift();
      if (group === undefined) return;
      this.#waitingBytes -= group.bytes;
      const blocks = joinBlocks(group.blocks, this.#memoryOf(group));
      // Staged lines are of the last group.
      if (this.#waiting.length === 0) blocks.push(...this.#staged.take(this.#memoryOf(group)));
      this.#inFlight += 1;
      const giveBack = () => {
        for (const buffer of group.memory.splice(0)) this.#buffers.giveBack(buffer);
      };
      this.#sink.append(blocks, giveBack).then(
        () => this.#appended(group),
        (error: unknown) => this.#failed(group, error),
      );
    }
  }

  #appended(group: Group): void {
    this.#inFlight -= 1;
    this.#pendingBytes -= group.bytes;
    if (!this.#mayStart()) {
      group.appended.resolve();
      return;
    }
    this.#startAppends();
    // In a turn of their own, so that the next append is on its way before they are answered.
    setImmediate(group.appended.resolve);
  }

  /** A group is as durable as its append: if that is not known, nobody in it is promised anything. */
  #failed(group: Group, error: unknown): void {
    this.#inFlight -= 1;
    // Those that wait would only wait as long again for the same; their senders keep the events.
    const all = [group, ...this.#waiting.splice(0)];
    this.#staged.clear();
    this.#waitingBytes = 0;
    for (const { bytes, appended } of all) {
      this.#pendingBytes -= bytes;
      appended.reject(error);
    }
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
function joinBlocks(blocks: readonly Block[], take: Take): Block[] {
  if (blocks.length < 2) return [...blocks];
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
    value: joinLines(values, take),
  }));
}

function hasRoom(open: Joined, value: Buffer, events: number): boolean {
  const bytes = open.bytes + value.length;
  return bytes <= JOINED_BYTES_MAX && open.events + events <= BLOCK_EVENTS_MAX;
}

function joinLines(values: readonly Buffer[], take: Take): Buffer {
  const [first] = values;
  if (first !== undefined && values.length === 1) return first;
  const joined = take(values.reduce((sum, { length }) => sum + length + 1, -1));
  let at = 0;
  for (const [index, value] of values.entries()) {
    if (index > 0) {
      joined[at] = LINE_FEED;
      at += 1;
    }
    at += value.copy(joined, at);
  }
  return joined;
}

/**
 * The log with a spool before it. Blocks go to the log while it answers in time; else to disk, from
 * where one drainer brings them to the log, oldest first. The drainer is also what finds out that
 * the log is back: while it is down, no request waits for it.
 */
import { setTimeout as wait } from "node:timers/promises";
import { blockLines } from "@trueclick/shared/event/block";
import { type Block, type BlockLimits, linesToBlocks } from "../../domain/blocks.ts";
import { type EventSink, SinkUnavailableError } from "../../ports/eventSink.ts";
import { type Spool, SpoolUnavailableError } from "../../ports/spool.ts";

const DRAIN_RETRY_FIRST_MS = 100;
const DRAIN_RETRY_MAX_MS = 2_000;
/** How long a stop may take to bring what is spooled to a log that is up, milliseconds. */
const LAST_DRAIN_MS = 5_000;

export interface SpooledSinkSettings {
  /** Taken for the log's partitions until it was reached; blocks made so are made anew later. */
  readonly partitionCountAssumed: number;
  readonly partitionOf: BlockLimits["partitionOf"];
  readonly blockBytesMax: number;
  /** A log that has not confirmed after this is too slow to wait for, milliseconds. */
  readonly spoolAfterMs: number;
  readonly nowMs: () => number;
  /** Told of what keeps the spool from being drained that is not the log's being down. */
  readonly onDrainFault: (error: unknown) => void;
}

export class SpooledEventSink implements EventSink {
  readonly #log: EventSink;
  readonly #spool: Spool;
  readonly #settings: SpooledSinkSettings;
  readonly #closing = new AbortController();
  readonly #drained: Promise<void>;
  #isLogDown = false;
  #wake: () => void = () => {};

  constructor(log: EventSink, spool: Spool, settings: SpooledSinkSettings) {
    this.#log = log;
    this.#spool = spool;
    this.#settings = settings;
    this.#drained = this.#drainUntilClosed();
  }

  partitionCount(): number {
    return this.#log.partitionCount() ?? this.#settings.partitionCountAssumed;
  }

  async append(blocks: readonly Block[], onRead?: () => void): Promise<void> {
    const isDraining = this.#isLogDown && this.#spool.stats().records > 0;
    const fits = blocks.every((block) => block.partitionCount === this.#log.partitionCount());
    if (isDraining || !fits) return this.#appendToSpool(blocks);

    const logged = this.#log.append(blocks);
    this.#isLogDown = !(await this.#isDoneInTime(logged));
    if (!this.#isLogDown) {
      // Only then: a log that is slow may still read what the spool has written.
      onRead?.();
      return;
    }
    try {
      await this.#appendToSpool(blocks);
    } catch {
      // Full, or the disk fails: a slow log is better than none, and a failed one says so.
      return logged;
    }
  }

  /** Passes while either can take events: then none is refused. */
  async ping(): Promise<void> {
    if (await this.isLogUp()) return;
    if (!this.#spool.canTake())
      throw new SinkUnavailableError("Neither log nor spool takes events");
  }

  /** Whether the log takes events now, so that the spool is not all there is. */
  async isLogUp(): Promise<boolean> {
    if (this.#isLogDown && this.#spool.stats().records > 0) return false;
    return this.#log.ping().then(
      () => true,
      () => false,
    );
  }

  /** Ends the drainer. What is still spooled then is drained by the next process. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#wake();
    await this.#drained;
    const deadlineMs = this.#settings.nowMs() + LAST_DRAIN_MS;
    while (!this.#isLogDown && this.#settings.nowMs() < deadlineMs) {
      if (!(await this.#drainOnce().catch(() => false))) break;
    }
    await this.#spool.close();
  }

  async #appendToSpool(blocks: readonly Block[]): Promise<void> {
    try {
      await this.#spool.append(blocks);
      this.#wake();
    } catch (cause) {
      throw new SinkUnavailableError("The blocks could not be spooled", { cause });
    }
  }

  /** By a bare timer: what can be aborted takes longer to make than all else here. */
  #isDoneInTime(logged: Promise<void>): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(resolve, this.#settings.spoolAfterMs, false);
    const settle = (isDone: boolean) => {
      clearTimeout(timer);
      resolve(isDone);
    };
    logged.then(
      () => settle(true),
      () => settle(false),
    );
    return promise;
  }

  async #drainUntilClosed(): Promise<void> {
    const { signal } = this.#closing;
    for (let delayMs = DRAIN_RETRY_FIRST_MS; !signal.aborted; ) {
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      try {
        if (!(await this.#drainOnce())) await woken;
        delayMs = DRAIN_RETRY_FIRST_MS;
      } catch (error) {
        if (!(error instanceof SinkUnavailableError)) this.#settings.onDrainFault(error);
        // Half to whole: edges that lost the same log must not come back at the same instant.
        await wait(delayMs * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => {});
        delayMs = Math.min(delayMs * 2, DRAIN_RETRY_MAX_MS);
      }
    }
  }

  /**
   * Brings the oldest spooled blocks to the log, and only then lets go of them.
   *
   * @returns Whether there were any.
   */
  async #drainOnce(): Promise<boolean> {
    if (this.#spool.stats().records === 0) return false;
    const blocks = await this.#spool.peek();
    // A file of which nothing could be read says nothing about the log.
    if (blocks.length === 0) {
      await this.#spool.release();
      return true;
    }
    try {
      await this.#log.append(this.#fitToLog(blocks));
    } catch (error) {
      this.#isLogDown = true;
      throw error;
    }
    this.#isLogDown = false;
    await this.#spool.release();
    return true;
  }

  /** Blocks in partitions of the log as it is, which may not be the one that they were made for. */
  #fitToLog(blocks: readonly Block[]): readonly Block[] {
    const partitionCount = this.#log.partitionCount();
    if (partitionCount === null) throw new SinkUnavailableError("The log was not reached yet");
    if (blocks.every((block) => block.partitionCount === partitionCount)) return blocks;
    const lines = blocks.flatMap(({ value }) =>
      blockLines(value).map((bytes) => toEventLine(Buffer.from(bytes).toString())),
    );
    const { partitionOf, blockBytesMax } = this.#settings;
    return linesToBlocks(lines, { partitionCount, partitionOf, bytesMax: blockBytesMax });
  }
}

function toEventLine(line: string) {
  const event: unknown = JSON.parse(line);
  if (typeof event === "object" && event !== null && "event_id" in event) {
    return { eventId: String(event.event_id), line };
  }
  throw new SpoolUnavailableError("A spooled line is no stored event");
}

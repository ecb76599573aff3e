import { setTimeout as wait } from "node:timers/promises";
import {
  type AppendRequest,
  type EventLog,
  type EventLogAppender,
  UnknownTopicError,
} from "@trueclick/event-log";
import { SinkUnavailableError } from "../ports/eventSink.ts";

const RETRY_FIRST_MS = 250;
const RETRY_MAX_MS = 5_000;

export interface TopicSettings {
  readonly topic: string;
  /** Only for a topic that is not there yet. */
  readonly partitionCount: number;
  /** Told of each failed try to open the topic. */
  readonly onOpenFailed: (error: unknown) => void;
}

/**
 * Appends to one topic of a log that may not be there yet. The edge starts, and answers 503, before
 * its log does; opening is tried again without end, at growing distances with jitter, so that
 * recovery takes no hands.
 */
export class TopicAppender {
  readonly #log: EventLog;
  readonly #settings: TopicSettings;
  readonly #closing = new AbortController();
  readonly #opened: Promise<void>;
  #appender: EventLogAppender | null = null;

  constructor(log: EventLog, settings: TopicSettings) {
    this.#log = log;
    this.#settings = settings;
    this.#opened = this.#open();
  }

  /** Null until the log was reached for the first time. */
  get partitionCount(): number | null {
    return this.#appender?.partitionCount ?? null;
  }

  /** @throws {SinkUnavailableError} The outcome is unknown. */
  async append(records: readonly AppendRequest[]): Promise<void> {
    if (this.#appender === null) throw new SinkUnavailableError("The log was not reached yet");
    try {
      await this.#appender.append(records);
    } catch (cause) {
      throw new SinkUnavailableError("The log did not confirm the blocks", { cause });
    }
  }

  /** Ends once what was handed over is settled. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#opened;
    await this.#appender?.close();
  }

  async #open(): Promise<void> {
    const { signal } = this.#closing;
    for (let delayMs = RETRY_FIRST_MS; !signal.aborted; delayMs = nextDelay(delayMs)) {
      try {
        this.#appender = await this.#openOnce();
        return;
      } catch (error) {
        this.#settings.onOpenFailed(error);
        // Half to whole: edges that lost the same log must not come back at the same instant.
        await wait(delayMs * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => {});
      }
    }
  }

  async #openOnce(): Promise<EventLogAppender> {
    const { topic, partitionCount } = this.#settings;
    try {
      return await this.#log.appender(topic);
    } catch (error) {
      // Only then: of a topic that is there, `ensureTopic` would reset the retention.
      if (!(error instanceof UnknownTopicError)) throw error;
      const admin = this.#log.admin();
      try {
        await admin.ensureTopic(topic, { partitionCount, retentionMs: null });
      } finally {
        await admin.close();
      }
      return await this.#log.appender(topic);
    }
  }
}

function nextDelay(delayMs: number): number {
  return Math.min(delayMs * 2, RETRY_MAX_MS);
}

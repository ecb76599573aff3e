/**
 * The append-only event log, the system of record: a topic has partitions, a partition has records
 * in the order of their offsets, and a record is one block of bytes (NDJSON, see
 * `@trueclick/shared/event/block`). Adapters: `postgres/` (embedded default) and `kafka/`.
 *
 * Both hold to the contract in `contract.integration.test.ts`, which is run on real engines.
 */

/** One record as a reader meets it. */
export interface LogRecord {
  readonly partition: number;
  /** Strictly increasing within a partition. Gaps are allowed (Kafka has them after compaction or aborts). */
  readonly offset: bigint;
  /**
   * Stamped by the log when the record was appended, epoch milliseconds. The same at every replay.
   * Never falls within a partition on Postgres; on Kafka it follows the clock of the leading broker,
   * which may be set back.
   */
  readonly appendTimeMs: number;
  /** The block as it was appended, uncompressed. */
  readonly value: Buffer;
  /** The time is a producer's, since the topic is, or was, set so: nobody may take it for the log's. */
  readonly timeBy?: "producer";
}

export interface AppendRequest {
  readonly partition: number;
  /** At most `RECORD_BYTES_MAX`. */
  readonly value: Buffer;
}

/** Where one record of an append has come to lie; same order as the requests. */
export interface AppendedRecord {
  readonly partition: number;
  readonly offset: bigint;
}

/** Largest block that an adapter must take, uncompressed bytes. */
export const RECORD_BYTES_MAX = 1_048_576;

export interface EventLogAppender {
  readonly topic: string;
  readonly partitionCount: number;
  /**
   * Appends records and resolves once all of them are on durable storage (Kafka: acks = all).
   * Records of one call keep their order within a partition. A call made after another has resolved
   * comes after it; calls that overlap in time may come in either order.
   *
   * @throws {LogUnavailableError} The outcome is unknown: some may have been appended. Retry or
   *   spool; a second copy is a duplicate that readers remove, a missing one is a loss.
   * @throws {LogRejectedError} The log will never take these (too large). Do not retry.
   * @throws {RangeError} There is no such partition: a bug in the caller.
   */
  append(records: readonly AppendRequest[]): Promise<readonly AppendedRecord[]>;
  /** Waits for the appends already made, then lets go of the connections. */
  close(): Promise<void>;
}

export interface ReadRequest {
  readonly partition: number;
  /** The first offset wanted, inclusive. */
  readonly fromOffset: bigint;
  /** Upper bound on records in the answer. */
  readonly recordsMax: number;
  /** How long to wait for a first record when there is none yet, milliseconds; 0 answers at once. */
  readonly waitMs: number;
  readonly signal: AbortSignal;
}

export interface OffsetRange {
  /** Offset of the oldest record still kept; equals `endOffset` when the partition is empty. */
  readonly startOffset: bigint;
  /** The offset that the next appended record gets. */
  readonly endOffset: bigint;
}

export interface EventLogReader {
  readonly topic: string;
  /** As far as it knows: a topic may be given more partitions, and never has fewer. */
  readonly partitionCount: number;
  /**
   * Reads records of one partition in offset order, from `fromOffset` on. Empty after `waitMs`
   * without a record, or when aborted.
   *
   * @throws {OffsetOutOfRangeError} `fromOffset` lies before the oldest kept record or past the end.
   * @throws {LogUnavailableError} Try again. Of a record that is damaged it says which: whoever reads
   *   the partition waits there until somebody has mended it, and others go on.
   */
  read(request: ReadRequest): Promise<readonly LogRecord[]>;
  /**
   * Says that nobody looks at these records any more, which `read` has given: their bytes may then
   * be overwritten by others. Records that are never released are collected as garbage.
   */
  release(records: readonly LogRecord[]): void;
  /** @throws {LogUnavailableError} Try again. */
  offsets(partition: number): Promise<OffsetRange>;
  close(): Promise<void>;
}

/** What a log says of a topic itself, beside its records. */
export interface TopicFacts {
  /**
   * No other topic bears it, not one of the same name that came after this was deleted. Null where the log
   * has no such thing.
   */
  readonly topicId: string | null;
  /** Who stamps the append times of new records; null where the log does not say. */
  readonly timesBy: "log" | "producer" | null;
}

/** A reader that can be asked about its topic. */
export interface TopicReader extends EventLogReader {
  /**
   * Looks how many partitions the topic has by now, and takes on those that it did not know of.
   *
   * @returns what the log says. Fewer than `partitionCount` is another topic of that name.
   * @throws {UnknownTopicError | LogUnavailableError} Try again.
   */
  refreshPartitionCount(): Promise<number>;
  /**
   * Of each partition that the topic has by now, the offset that its next record gets, by partition:
   * asked of the log in one go, whichever partitions are read here.
   *
   * @throws {UnknownTopicError | LogUnavailableError} Try again.
   */
  endOffsets(): Promise<readonly bigint[]>;
  /** @throws {UnknownTopicError | LogUnavailableError} Try again. */
  facts(): Promise<TopicFacts>;
}

export interface EventLogAdmin {
  /**
   * Creates the topic unless it is there. An existing topic keeps its partition count and takes on
   * the retention.
   */
  ensureTopic(
    topic: string,
    options: { readonly partitionCount: number; readonly retentionMs: number | null },
  ): Promise<void>;
  /**
   * Gives a topic more partitions; one that has so many keeps them. Readers take them on by
   * themselves. An appender, and so the partition that an id goes to, stays as it was opened.
   *
   * @throws {LogUnavailableError | UnknownTopicError}
   */
  growTopic(topic: string, partitionCount: number): Promise<void>;
  /**
   * Deletes what is older than the topic's retention. Kafka does this by itself; the call is there
   * for adapters that do not. Returns how many records went.
   */
  applyRetention(topic: string): Promise<number>;
  /**
   * Appends records with the append times they had, to restore a log from an archive or to lay down
   * a history. The times must not fall within a partition. Only for a topic that nobody else is
   * appending to, and not atomic: after an error, start over with a fresh topic.
   */
  restore(
    topic: string,
    records: readonly (AppendRequest & { readonly appendTimeMs: number })[],
  ): Promise<void>;
  close(): Promise<void>;
}

/** Opens the parts of one log. Built by an adapter's factory; the only thing `main.ts` has to choose. */
export interface EventLog {
  admin(): EventLogAdmin;
  /** @throws {UnknownTopicError | LogUnavailableError} */
  appender(topic: string): Promise<EventLogAppender>;
  /** @throws {UnknownTopicError | LogUnavailableError} */
  reader(topic: string): Promise<TopicReader>;
}

/** Passing fault, unknown outcome. */
export class LogUnavailableError extends Error {
  override readonly name = "LogUnavailableError";
}

/** Lasting fault: the record is refused for what it is. */
export class LogRejectedError extends Error {
  override readonly name = "LogRejectedError";
}

/** There is no such topic; `ensureTopic` creates it. */
export class UnknownTopicError extends Error {
  override readonly name = "UnknownTopicError";

  constructor(topic: string, options?: ErrorOptions) {
    super(`The event log has no topic "${topic}"`, options);
  }
}

/** Another topic has taken the name of the one that was read before: its offsets mean other records. */
export class TopicReplacedError extends Error {
  override readonly name = "TopicReplacedError";

  constructor(topic: string, knownId: string, topicId: string) {
    super(
      `Topic "${topic}" (${topicId}) is not the one that was read before (${knownId}): it was deleted and made anew. ` +
        "What is stored is of the former; give the new one another name",
    );
  }
}

/** The log no longer holds, or does not yet hold, the offset asked for. */
export class OffsetOutOfRangeError extends Error {
  override readonly name = "OffsetOutOfRangeError";
  readonly partition: number;
  readonly requested: bigint;
  readonly range: OffsetRange;

  constructor(partition: number, requested: bigint, range: OffsetRange) {
    super(
      `Partition ${partition} holds offsets [${range.startOffset}, ${range.endOffset}), asked for ${requested}`,
    );
    this.partition = partition;
    this.requested = requested;
    this.range = range;
  }
}

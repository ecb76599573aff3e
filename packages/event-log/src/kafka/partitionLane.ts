/// <reference path="./kafkajsInternals.d.ts" />

import type Cluster from "kafkajs/src/cluster/index.js";
import Batch from "kafkajs/src/consumer/batch.js";
import { blockPool } from "../blockPool.ts";
import { type LogRecord, OffsetOutOfRangeError, type OffsetRange } from "../port.ts";
import { hasKafkaErrorType, toLogFault, withDeadline } from "./kafkaFaults.ts";
import { restoredTimeMs } from "./restoredTime.ts";

/** Longest that one request waits at the broker; also what an aborted read leaves behind. */
const FETCH_WAIT_MAX_MS = 500;
/**
 * Compressed bytes of one answer; blocks of events are ten times that once unpacked, in each of many
 * partitions at once. Kafka sends a first batch that is larger all the same.
 */
const FETCH_BYTES_MAX = 524_288;
const NOT_A_REPLICA = -1;
const READ_COMMITTED = 1;
/** What a batch says of its times where the broker has left its producer's. */
const CREATE_TIME = 0;

/**
 * Reads one partition from its leader, over connections of its own: Kafka answers the requests of a
 * connection one after the other, so a wait for an empty partition would hold up all others. Reads
 * of one lane queue behind each other. After a fault the next read connects anew.
 */
export class PartitionLane {
  readonly #topic: string;
  readonly #partition: number;
  readonly #createCluster: () => Cluster;
  readonly #timeoutMs: number;
  #cluster: Cluster | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  /** Records fetched beyond what was asked for, and the offset that a read must name to get them. */
  #ahead: readonly LogRecord[] = [];
  #aheadFrom = 0n;

  constructor(options: {
    readonly topic: string;
    readonly partition: number;
    readonly createCluster: () => Cluster;
    readonly timeoutMs: number;
  }) {
    this.#topic = options.topic;
    this.#partition = options.partition;
    this.#createCluster = options.createCluster;
    this.#timeoutMs = options.timeoutMs;
  }

  /**
   * The next records at or after an offset; empty when none came within `waitMs`, or within the
   * longest wait of one request if that is shorter.
   *
   * @throws {OffsetOutOfRangeError | LogUnavailableError}
   */
  read(fromOffset: bigint, recordsMax: number, waitMs: number): Promise<readonly LogRecord[]> {
    return this.#inTurn(async () => {
      if (this.#ahead.length === 0 || this.#aheadFrom !== fromOffset) {
        this.#ahead = await this.#fetchVisible(fromOffset, waitMs);
      }
      const records = this.#ahead.slice(0, recordsMax);
      this.#ahead = this.#ahead.slice(recordsMax);
      const last = records.at(-1);
      this.#aheadFrom = last === undefined ? fromOffset : last.offset + 1n;
      return records;
    });
  }

  /** @throws {LogUnavailableError} */
  offsets(): Promise<OffsetRange> {
    return this.#inTurn(() => this.#offsets());
  }

  async close(): Promise<void> {
    await this.#turn;
    await this.#cluster?.disconnect();
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#turn.then(async () => {
      try {
        return await withDeadline(this.#timeoutMs, work());
      } catch (error) {
        if (!(error instanceof OffsetOutOfRangeError)) this.#disconnect();
        throw toLogFault(error);
      }
    });
    this.#turn = result.catch(() => undefined);
    return result;
  }

  #disconnect(): void {
    const broken = this.#cluster;
    this.#cluster = undefined;
    this.#ahead = [];
    void broken?.disconnect().catch(() => undefined);
  }

  async #connected(): Promise<Cluster> {
    this.#cluster ??= this.#createCluster();
    const cluster = this.#cluster;
    await cluster.connect();
    await cluster.addTargetTopic(this.#topic);
    await cluster.refreshMetadataIfNecessary();
    return cluster;
  }

  /** Goes on past batches that hold nothing for readers: control records, aborted transactions. */
  async #fetchVisible(fromOffset: bigint, waitMs: number): Promise<readonly LogRecord[]> {
    let offset = fromOffset;
    for (;;) {
      const batch = await this.#fetch(offset, waitMs);
      if (batch === "out of range") {
        const range = await this.#offsets();
        const isBackInRange = fromOffset >= range.startOffset && fromOffset <= range.endOffset;
        if (isBackInRange) return [];
        throw new OffsetOutOfRangeError(this.#partition, fromOffset, range);
      }
      if (!batch.isEmptyDueToFiltering()) {
        return batch.messages.map((message) => toLogRecord(this.#partition, message));
      }
      offset = BigInt(batch.lastOffset()) + 1n;
    }
  }

  async #fetch(offset: bigint, waitMs: number): Promise<Batch | "out of range"> {
    const cluster = await this.#connected();
    const leaders = cluster.findLeaderForPartitions(this.#topic, [this.#partition]);
    const [nodeId = ""] = Object.keys(leaders);
    const broker = await cluster.findBroker({ nodeId });
    const fetchOffset = offset.toString();
    const wanted = { partition: this.#partition, fetchOffset, maxBytes: FETCH_BYTES_MAX };
    try {
      const { responses } = await broker.fetch({
        replicaId: NOT_A_REPLICA,
        isolationLevel: READ_COMMITTED,
        maxWaitTime: Math.ceil(Math.min(Math.max(waitMs, 0), FETCH_WAIT_MAX_MS)),
        minBytes: 1,
        maxBytes: FETCH_BYTES_MAX,
        topics: [{ topic: this.#topic, partitions: [wanted] }],
      });
      const fetched = responses[0]?.partitions[0];
      if (fetched === undefined) throw new Error(`Kafka did not answer for ${this.#partition}`);
      return new Batch(this.#topic, fetchOffset, fetched);
    } catch (error) {
      if (hasKafkaErrorType(error, "OFFSET_OUT_OF_RANGE")) return "out of range";
      throw error;
    }
  }

  async #offsets(): Promise<OffsetRange> {
    const cluster = await this.#connected();
    const ask = async (fromBeginning: boolean) => {
      const partitions = [{ partition: this.#partition }];
      const wanted = { topic: this.#topic, partitions, fromBeginning };
      const [answer] = await cluster.fetchTopicsOffset([wanted]);
      const offset = answer?.partitions[0]?.offset;
      if (offset === undefined) throw new Error(`Kafka did not answer for ${this.#partition}`);
      return BigInt(offset);
    };
    return { startOffset: await ask(true), endOffset: await ask(false) };
  }
}

function toLogRecord(partition: number, message: Batch["messages"][number]): LogRecord {
  const restoredMs = restoredTimeMs(message.headers);
  const plain: LogRecord = {
    partition,
    offset: BigInt(message.offset),
    // With LogAppendTime a batch has one time, the broker's, and kafkajs gives it to each record.
    appendTimeMs: restoredMs ?? Number(message.timestamp),
    // A tombstone of a foreign producer is a block without events.
    value: message.value ?? Buffer.alloc(0),
  };
  const isProducers =
    restoredMs === undefined && message.batchContext?.timestampType === CREATE_TIME;
  const record: LogRecord = isProducers ? { ...plain, timeBy: "producer" } : plain;
  blockPool.hold(record);
  return record;
}

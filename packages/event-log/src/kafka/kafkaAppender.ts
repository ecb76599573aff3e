import { setImmediate as nextTurn } from "node:timers/promises";
import type { Kafka, PartitionerArgs, Producer } from "kafkajs";
import { AppendQueue } from "../appendQueue.ts";
import type { AppendedRecord, AppendRequest, EventLogAppender } from "../port.ts";
import { assertAppendable } from "../recordChecks.ts";
import { createCluster, type KafkaConnectionOptions, TIMEOUT_MS } from "./kafkaConnection.ts";
import { toLogFault, withDeadline } from "./kafkaFaults.ts";
import { type BatchedRecord, encodeRecordBatch, RecordBatch } from "./recordBatch.ts";
import { loadPartitionCount } from "./topicPartitions.ts";

const WRITE_BYTES_MAX = 8 * 1_048_576;
const WRITE_RECORDS_MAX = 2_000;
/** Kafka takes the next request while it makes the last one durable. */
const WRITES_IN_FLIGHT_MAX = 4;
const PENDING_BYTES_MAX = 64 * 1_048_576;
/**
 * All that a request holds for a partition is one record batch, which may have 2 MiB on the wire.
 * Counted before compression, so that nothing depends on how well it goes.
 */
const BATCH_BYTES_MAX = 1.5 * 1_048_576;
/** Well under what a broker takes in one request, 100 MiB unless set otherwise. */
const REQUEST_BYTES_MAX = 16 * 1_048_576;
/** Compressed between two turns of the event loop, unless one batch has more; tenths of a millisecond. */
const TURN_BYTES_MAX = 262_144;
const ACKS_OF_ALL_REPLICAS = -1;

/** A record to produce; headers only to restore a log. */
export type KafkaAppend = AppendRequest & Pick<BatchedRecord, "headers">;

/** @throws {UnknownTopicError | LogUnavailableError} */
export async function openKafkaAppender(
  kafka: Kafka,
  options: KafkaConnectionOptions,
  topic: string,
): Promise<EventLogAppender> {
  const { timeoutMs = TIMEOUT_MS } = options;
  const cluster = createCluster(kafka, options);
  const partitionCount = await loadPartitionCount(cluster, topic, timeoutMs);
  const producer = await connectProducer(kafka, timeoutMs);
  const queue = new AppendQueue<AppendRequest>({
    write: (records) => produce(producer, topic, records, timeoutMs),
    bytesOf: (record) => record.value.length,
    writeBytesMax: WRITE_BYTES_MAX,
    writeRecordsMax: WRITE_RECORDS_MAX,
    writesInFlightMax: WRITES_IN_FLIGHT_MAX,
    pendingBytesMax: PENDING_BYTES_MAX,
    timeoutMs,
  });
  return {
    topic,
    partitionCount,
    append: async (records) => {
      assertAppendable(records, partitionCount);
      return queue.append(records);
    },
    close: async () => {
      await queue.close();
      await producer.disconnect();
    },
  };
}

/**
 * Not idempotent in Kafka's sense: that would remove the second copy of a request that kafkajs sends
 * again, but not of one that the spool or another process sends again, so readers dedupe anyhow; and
 * kafkajs then retries without end and allows one request at a time.
 *
 * @throws {LogUnavailableError}
 */
export async function connectProducer(kafka: Kafka, timeoutMs: number): Promise<Producer> {
  const producer = kafka.producer({
    allowAutoTopicCreation: false,
    createPartitioner: () => toNamedPartition,
  });
  try {
    await withDeadline(timeoutMs, producer.connect());
    return producer;
  } catch (error) {
    void producer.disconnect().catch(() => undefined);
    throw toLogFault(error);
  }
}

function toNamedPartition({ message }: PartitionerArgs): number {
  if (message.partition === undefined) throw new RangeError("A message names no partition");
  return message.partition;
}

/**
 * Produces records, acked by all replicas in sync, and answers with their offsets.
 *
 * @throws {LogUnavailableError | LogRejectedError}
 */
export async function produce(
  producer: Producer,
  topic: string,
  records: readonly KafkaAppend[],
  timeoutMs: number,
): Promise<readonly AppendedRecord[]> {
  const appended: AppendedRecord[] = [];
  try {
    for (const round of toRounds(records)) {
      const answer = await producer.sendBatch({
        acks: ACKS_OF_ALL_REPLICAS,
        timeout: timeoutMs,
        topicMessages: [{ topic, messages: await toBatches(round) }],
      });
      const bases = answer.map(({ partition, baseOffset }) => [partition, baseOffset] as const);
      appended.push(...toAppended(round, new Map(bases)));
    }
  } catch (error) {
    throw toLogFault(error);
  }
  return appended;
}

/**
 * Cuts records into stretches, in order, so that none holds too much for one partition or one
 * request. Most often there is one stretch.
 */
function toRounds(records: readonly KafkaAppend[]): readonly (readonly KafkaAppend[])[] {
  const rounds: KafkaAppend[][] = [];
  let round: KafkaAppend[] = [];
  let roundBytes = 0;
  let batchBytes = new Map<number, number>();
  for (const record of records) {
    const bytes = record.value.length;
    const before = batchBytes.get(record.partition) ?? 0;
    const isFull = before + bytes > BATCH_BYTES_MAX || roundBytes + bytes > REQUEST_BYTES_MAX;
    if (round.length > 0 && isFull) {
      rounds.push(round);
      round = [];
      roundBytes = 0;
      batchBytes = new Map();
    }
    round.push(record);
    roundBytes += bytes;
    batchBytes.set(record.partition, (batchBytes.get(record.partition) ?? 0) + bytes);
  }
  if (round.length > 0) rounds.push(round);
  return rounds;
}

/** One batch a partition, made one after the other so that others get their turn in between. */
async function toBatches(round: readonly KafkaAppend[]): Promise<RecordBatch[]> {
  const batches: RecordBatch[] = [];
  let turnBytes = 0;
  for (const [partition, records = []] of Map.groupBy(round, (record) => record.partition)) {
    const bytes = records.reduce((sum, { value }) => sum + value.length, 0);
    if (turnBytes > 0 && turnBytes + bytes > TURN_BYTES_MAX) {
      await nextTurn();
      turnBytes = 0;
    }
    batches.push(new RecordBatch(partition, encodeRecordBatch(records, Date.now())));
    turnBytes += bytes;
  }
  return batches;
}

/** A batch's records lie one behind the other from its base offset. */
function toAppended(
  round: readonly KafkaAppend[],
  bases: ReadonlyMap<number, string | undefined>,
): AppendedRecord[] {
  const next = new Map<number, bigint>();
  return round.map(({ partition }) => {
    const base = bases.get(partition);
    if (base === undefined) throw new Error(`Kafka did not answer for partition ${partition}`);
    const offset = next.get(partition) ?? BigInt(base);
    next.set(partition, offset + 1n);
    return { partition, offset };
  });
}

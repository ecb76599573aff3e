import type { Kafka } from "kafkajs";
import { blockPool } from "../blockPool.ts";
import type { TopicReader } from "../port.ts";
import { assertPartition } from "../recordChecks.ts";
import { createCluster, type KafkaConnectionOptions, TIMEOUT_MS } from "./kafkaConnection.ts";
import { PartitionLane } from "./partitionLane.ts";
import { loadTopicFacts } from "./topicFacts.ts";
import { loadEndOffsets, loadPartitionCount } from "./topicPartitions.ts";

/**
 * Reads without a consumer group: which partition to read and from where is the caller's knowledge,
 * kept with its own checkpoint, and an offset out of range must be an error, not a silent reset.
 *
 * @throws {UnknownTopicError | LogUnavailableError}
 */
export async function openKafkaReader(
  kafka: Kafka,
  options: KafkaConnectionOptions,
  topic: string,
): Promise<TopicReader> {
  const { timeoutMs = TIMEOUT_MS } = options;
  const newCluster = () => createCluster(kafka, options);
  let partitionCount = await loadPartitionCount(newCluster(), topic, timeoutMs);
  const lanes = new Map<number, PartitionLane>();
  const laneOf = (partition: number): PartitionLane => {
    assertPartition(partition, partitionCount);
    const lane =
      lanes.get(partition) ??
      new PartitionLane({ topic, partition, createCluster: newCluster, timeoutMs });
    lanes.set(partition, lane);
    return lane;
  };
  return {
    topic,
    get partitionCount() {
      return partitionCount;
    },
    refreshPartitionCount: async () => {
      const count = await loadPartitionCount(newCluster(), topic, timeoutMs);
      partitionCount = Math.max(partitionCount, count);
      return count;
    },
    endOffsets: () => loadEndOffsets(newCluster(), topic, timeoutMs),
    facts: () => loadTopicFacts(newCluster(), topic, timeoutMs),
    read: async ({ partition, fromOffset, recordsMax, waitMs, signal }) => {
      const lane = laneOf(partition);
      const untilMs = performance.now() + waitMs;
      for (;;) {
        if (signal.aborted) return [];
        const leftMs = Math.max(0, untilMs - performance.now());
        const read = lane.read(fromOffset, recordsMax, leftMs);
        const records = await untilAborted(read, signal);
        if (records.length > 0 || performance.now() >= untilMs) return records;
      }
    },
    release: (records) => {
      for (const record of records) blockPool.release(record);
    },
    offsets: async (partition) => laneOf(partition).offsets(),
    close: async () => {
      await Promise.all([...lanes.values()].map((lane) => lane.close()));
    },
  };
}

/** What a read finds after it was aborted is found again by the next one. */
async function untilAborted<Item>(
  read: Promise<readonly Item[]>,
  signal: AbortSignal,
): Promise<readonly Item[]> {
  const aborted = Promise.withResolvers<readonly Item[]>();
  const abort = () => aborted.resolve([]);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([read, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

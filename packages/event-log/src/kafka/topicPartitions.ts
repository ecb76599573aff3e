/// <reference path="./kafkajsInternals.d.ts" />

import { setTimeout as sleep } from "node:timers/promises";
import type Cluster from "kafkajs/src/cluster/index.js";
import { UnknownTopicError } from "../port.ts";
import { hasKafkaErrorType, toLogFault, withDeadline } from "./kafkaFaults.ts";

/** Brokers learn of a new topic one after the other, and of old ones only when they are well up. */
const ASK_AGAIN_MAX = 4;
const ASK_AGAIN_AFTER_MS = 250;

/**
 * Asks how many partitions a topic has, and ends the connection.
 *
 * @throws {UnknownTopicError | LogUnavailableError}
 */
export async function loadPartitionCount(
  cluster: Cluster,
  topic: string,
  timeoutMs: number,
): Promise<number> {
  return askOnce(cluster, timeoutMs, ask(cluster, topic, ASK_AGAIN_MAX));
}

/**
 * Asks where each partition of a topic ends, by partition, and ends the connection.
 *
 * @throws {UnknownTopicError | LogUnavailableError}
 */
export async function loadEndOffsets(
  cluster: Cluster,
  topic: string,
  timeoutMs: number,
): Promise<readonly bigint[]> {
  return askOnce(cluster, timeoutMs, askEnds(cluster, topic));
}

async function askOnce<Answer>(
  cluster: Cluster,
  timeoutMs: number,
  asked: Promise<Answer>,
): Promise<Answer> {
  try {
    return await withDeadline(timeoutMs, asked);
  } catch (error) {
    throw toLogFault(error);
  } finally {
    void cluster.disconnect().catch(() => undefined);
  }
}

async function askEnds(cluster: Cluster, topic: string): Promise<readonly bigint[]> {
  const count = await ask(cluster, topic, ASK_AGAIN_MAX);
  const partitions = Array.from({ length: count }, (_, partition) => ({ partition }));
  const [answer] = await cluster.fetchTopicsOffset([{ topic, partitions, fromBeginning: false }]);
  const ends = new Map(answer?.partitions.map(({ partition, offset }) => [partition, offset]));
  return partitions.map(({ partition }) => {
    const end = ends.get(partition);
    if (end === undefined) throw new Error(`Kafka did not answer for partition ${partition}`);
    return BigInt(end);
  });
}

async function ask(cluster: Cluster, topic: string, again: number): Promise<number> {
  try {
    await cluster.connect();
    await cluster.addTargetTopic(topic);
    return cluster.findTopicPartitionMetadata(topic).length;
  } catch (cause) {
    if (!hasKafkaErrorType(cause, "UNKNOWN_TOPIC_OR_PARTITION")) throw cause;
    if (again === 0) throw new UnknownTopicError(topic, { cause });
    await sleep(ASK_AGAIN_AFTER_MS);
    return ask(cluster, topic, again - 1);
  }
}

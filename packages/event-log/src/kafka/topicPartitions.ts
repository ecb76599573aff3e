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
  try {
    return await withDeadline(timeoutMs, ask(cluster, topic, ASK_AGAIN_MAX));
  } catch (error) {
    throw toLogFault(error);
  } finally {
    void cluster.disconnect().catch(() => undefined);
  }
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

/// <reference path="./kafkajsInternals.d.ts" />

import type Cluster from "kafkajs/src/cluster/index.js";
import { UnknownTopicError } from "../port.ts";
import { toLogFault, withDeadline } from "./kafkaFaults.ts";

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
  const ask = async () => {
    await cluster.connect();
    await cluster.addTargetTopic(topic);
    return cluster.findTopicPartitionMetadata(topic).length;
  };
  try {
    const partitionCount = await withDeadline(timeoutMs, ask());
    if (partitionCount === 0) throw new UnknownTopicError(topic);
    return partitionCount;
  } catch (error) {
    throw toLogFault(error, topic);
  } finally {
    void cluster.disconnect().catch(() => undefined);
  }
}

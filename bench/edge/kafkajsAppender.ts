/** A log as most would write to it: kafkajs as it comes, an event a message, acked by all replicas. */
import type { AppendRequest } from "@trueclick/event-log";
import kafkajs from "kafkajs";

/** As much of an appender as the peer needs. */
export interface PeerAppender {
  readonly partitionCount: number;
  append(records: readonly AppendRequest[]): Promise<unknown>;
}

const ALL_REPLICAS = -1;

export async function openKafkajsAppender(
  brokers: string,
  topic: string,
  partitionCount: number,
): Promise<PeerAppender> {
  const kafka = new kafkajs.Kafka({ brokers: [brokers], logLevel: kafkajs.logLevel.NOTHING });
  const producer = kafka.producer({
    allowAutoTopicCreation: false,
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  });
  await producer.connect();
  return {
    partitionCount,
    append: (records) => {
      const messages = records.map(({ partition, value }) => ({ partition, value }));
      return producer.send({ topic, acks: ALL_REPLICAS, messages });
    },
  };
}

/** All settings are Kafka's own: the broker keeps batches as they come. */
export async function createTopicOfPeer(
  brokers: string,
  topic: string,
  partitionCount: number,
): Promise<void> {
  const kafka = new kafkajs.Kafka({ brokers: [brokers], logLevel: kafkajs.logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: partitionCount }] });
  await admin.disconnect();
}

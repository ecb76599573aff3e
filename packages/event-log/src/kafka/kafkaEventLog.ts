/**
 * The event log in Apache Kafka 4, through kafkajs. A record is a message whose value is the block
 * and whose key is not used; batches are zstd on the wire and on disk. Foreign producers may write
 * to the topic in any codec: the broker recompresses.
 */

import type { EventLog } from "../port.ts";
import { createKafkaAdmin } from "./kafkaAdmin.ts";
import { openKafkaAppender } from "./kafkaAppender.ts";
import { createKafka, type KafkaConnectionOptions } from "./kafkaConnection.ts";
import { repairKafkajs } from "./kafkajsRepairs.ts";
import { openKafkaReader } from "./kafkaReader.ts";

/** Every part opened has connections of its own; a reader has two for each partition it reads. */
export function createKafkaEventLog(options: KafkaConnectionOptions): EventLog {
  repairKafkajs();
  const kafka = createKafka(options);
  return {
    admin: () => createKafkaAdmin(kafka, options),
    appender: (topic) => openKafkaAppender(kafka, options, topic),
    reader: (topic) => openKafkaReader(kafka, options, topic),
  };
}

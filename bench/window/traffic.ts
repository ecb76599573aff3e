/** The same events to both contestants, each in a topic of its own, as its author would have it. */
import { createKafkaEventLog } from "@trueclick/event-log/kafka";
import { partitionOf } from "@trueclick/event-log/partition";
import { MINUTE_MS } from "@trueclick/shared/time";
import kafkajs from "kafkajs";
import { linesToBlocks } from "../../apps/ingest/src/domain/blocks.ts";
import { prepareTraffic, START_MS } from "../stream/traffic.ts";

const PARTITIONS = 4;
/** Of one request to the edge: a block of each partition holds a quarter of them. */
const EVENTS_A_REQUEST = 500;
const BLOCK_BYTES_MAX = 1_048_576;
const ALL_REPLICAS = -1;
const ID = /"event_id":"([^"]+)"/;
const TIMES = /"(event_time|ingest_time)":(\d+)/g;

/** A twentieth of the events are sent again. Their times are of the minutes before now. */
export function eventLines(events: number): readonly string[] {
  const { blocks } = prepareTraffic({ events, partitions: 1, hotShare: 0, duplicateShare: 0.05 });
  const shiftMs = Math.floor(Date.now() / MINUTE_MS - 3) * MINUTE_MS - START_MS;
  return blocks.flatMap(({ value }) =>
    Buffer.from(value)
      .toString()
      .split("\n")
      .map((line) =>
        line.replaceAll(TIMES, (_all, name, time) => `"${name}":${Number(time) + shiftMs}`),
      ),
  );
}

/** Blocks as the edge makes them, in a topic as the product makes it. */
export async function fillOurTopic(brokers: string, topic: string, lines: readonly string[]) {
  const log = createKafkaEventLog({ brokers: [brokers], clientId: "bench" });
  const admin = log.admin();
  await admin.ensureTopic(topic, { partitionCount: PARTITIONS, retentionMs: null });
  await admin.close();
  const appender = await log.appender(topic);
  for (let from = 0; from < lines.length; from += EVENTS_A_REQUEST) {
    const some = lines.slice(from, from + EVENTS_A_REQUEST);
    const events = some.map((line) => ({ eventId: idOf(line), line }));
    const limits = { partitionCount: PARTITIONS, partitionOf, bytesMax: BLOCK_BYTES_MAX };
    await appender.append(linesToBlocks(events, limits));
  }
  await appender.close();
}

/** An event a message, keyed by its id, in a topic with Kafka's own settings. */
export async function fillPeersTopic(brokers: string, topic: string, lines: readonly string[]) {
  const kafka = new kafkajs.Kafka({ brokers: [brokers], logLevel: kafkajs.logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: PARTITIONS }] });
  await admin.disconnect();
  const createPartitioner = kafkajs.Partitioners.DefaultPartitioner;
  const producer = kafka.producer({ createPartitioner });
  await producer.connect();
  for (let from = 0; from < lines.length; from += EVENTS_A_REQUEST) {
    const some = lines.slice(from, from + EVENTS_A_REQUEST);
    const messages = some.map((line) => ({ key: idOf(line), value: line }));
    await producer.send({ topic, acks: ALL_REPLICAS, messages });
  }
  await producer.disconnect();
}

function idOf(line: string): string {
  return ID.exec(line)?.[1] ?? "";
}

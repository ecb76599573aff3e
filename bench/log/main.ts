/**
 * What producing to a real Kafka costs, acked by all replicas: `npm run bench -- log`. Ours are blocks
 * of the edge through the log's own appender, to a topic as the product makes it; the peer is kafkajs
 * as it comes, an event a message, with and without compression, to a topic as Kafka makes it by
 * itself (`compression.type=producer`). Each in a process of its own, since ours repairs kafkajs.
 */
import { once } from "node:events";
import { createKafkaEventLog } from "@trueclick/event-log/kafka";
import kafkajs from "kafkajs";
import { z } from "zod";
import { startKafka } from "../harness/engines.ts";
import { LOAD_CORE, pinSelf, SERVER_CORE, spawnPinned } from "../harness/pinned.ts";
import { type Contestant, compete, type Figures } from "../harness/rounds.ts";
import { provenance, resultTable } from "../harness/table.ts";
import { OURS, produce } from "./produce.ts";

const ROUNDS = 5;
const WARMUPS = 2;
const PARTITIONS = 4;
const FIGURES = ["events_per_s", "cpu_s_per_m_events"];

const figures = z.record(z.string(), z.number());

async function startProducer(name: string, brokers: string) {
  const topic = `bench.${name.replaceAll(/[^a-z0-9]/g, "-")}.${process.pid}`;
  await (name === OURS ? createOurTopic(brokers, topic) : createTopicOfPeer(brokers, topic));
  const words = [import.meta.filename, "produce", name, brokers, topic];
  const child = spawnPinned(SERVER_CORE, words);
  await once(child, "message");
  const contestant: Contestant = {
    name,
    run: async (): Promise<Figures> => {
      const answered = once(child, "message");
      child.send("round");
      const [answer]: unknown[] = await answered;
      return figures.parse(answer);
    },
  };
  return { contestant, stop: () => child.disconnect() };
}

async function createOurTopic(brokers: string, topic: string): Promise<void> {
  const admin = createKafkaEventLog({ brokers: [brokers], clientId: "bench" }).admin();
  await admin.ensureTopic(topic, { partitionCount: PARTITIONS, retentionMs: null });
  await admin.close();
}

/** All settings are Kafka's own: the broker keeps batches as they come, however compressed. */
async function createTopicOfPeer(brokers: string, topic: string): Promise<void> {
  const kafka = new kafkajs.Kafka({ brokers: [brokers], logLevel: kafkajs.logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: PARTITIONS }] });
  await admin.disconnect();
}

async function run(): Promise<void> {
  pinSelf(LOAD_CORE);
  const kafka = await startKafka();
  const names = [OURS, "kafkajs", "kafkajs with zstd"];
  const producers = [];
  try {
    for (const name of names) producers.push(await startProducer(name, kafka.address));
    const contestants = producers.map(({ contestant }) => contestant);
    const standings = await compete(contestants, { rounds: ROUNDS, warmups: WARMUPS });
    for (const peer of names.slice(1)) {
      const table = resultTable(standings, FIGURES, peer);
      process.stdout.write(`${provenance()}\n\n${table}\n\n`);
    }
  } finally {
    for (const { stop } of producers) stop();
    await kafka.stop();
  }
}

const [word, ...rest] = process.argv.slice(2);
if (word === "produce") await produce(rest);
else await run();

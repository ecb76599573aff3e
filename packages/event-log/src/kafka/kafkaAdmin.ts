import { setTimeout as sleep } from "node:timers/promises";
import kafkajs, { type Admin, type Kafka } from "kafkajs";
import { type EventLogAdmin, LogUnavailableError } from "../port.ts";
import { assertTimesRise } from "../recordChecks.ts";
import { connectProducer, type KafkaAppend, produce } from "./kafkaAppender.ts";
import { type KafkaConnectionOptions, TIMEOUT_MS } from "./kafkaConnection.ts";
import { toLogFault, withDeadline } from "./kafkaFaults.ts";
import { toRestoredHeaders } from "./restoredTime.ts";

/** Three copies, of which one may be missing: what durability takes where there are brokers for it. */
const REPLICAS_MAX = 3;
/** Twice the log's largest block: room for a block that does not compress, and its framing. */
const BATCH_BYTES_MAX = 2 * 1_048_576;
const RESTORE_RECORDS_MAX = 500;
/** In Kafka's answer: the setting was made for this topic, it is not a default. */
const SET_ON_TOPIC = 1;
const SETTING_LOOKS_MAX = 50;
const SETTING_LOOK_AFTER_MS = 100;

interface Setting {
  readonly name: string;
  readonly value: string;
}

export function createKafkaAdmin(kafka: Kafka, options: KafkaConnectionOptions): EventLogAdmin {
  const { timeoutMs = TIMEOUT_MS } = options;
  const connected = async <Result>(work: (admin: Admin) => Promise<Result>) => {
    const admin = kafka.admin();
    try {
      const connectAndWork = async () => {
        await admin.connect();
        return work(admin);
      };
      return await withDeadline(timeoutMs, connectAndWork());
    } catch (error) {
      throw toLogFault(error);
    } finally {
      void admin.disconnect().catch(() => undefined);
    }
  };
  return {
    ensureTopic: (topic, { partitionCount, retentionMs }) =>
      connected(async (admin) => {
        const { brokers } = await admin.describeCluster();
        const replicationFactor = Math.min(REPLICAS_MAX, brokers.length);
        const settings = toSettings(retentionMs);
        const isNew = await admin.createTopics({
          topics: [
            {
              topic,
              numPartitions: partitionCount,
              replicationFactor,
              configEntries: [
                ...settings,
                { name: "min.insync.replicas", value: `${Math.max(1, replicationFactor - 1)}` },
              ],
            },
          ],
        });
        if (!isNew) await applySettings(admin, topic, settings);
      }),
    growTopic: (topic, partitionCount) =>
      connected(async (admin) => {
        const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
        const present = topics.find(({ name }) => name === topic)?.partitions.length ?? 0;
        if (present >= partitionCount) return;
        await admin.createPartitions({ topicPartitions: [{ topic, count: partitionCount }] });
      }),
    // Kafka deletes by itself, a segment at a time.
    applyRetention: () => Promise.resolve(0),
    restore: async (topic, records) => {
      assertTimesRise(records);
      const producer = await connectProducer(kafka, timeoutMs);
      try {
        for (let from = 0; from < records.length; from += RESTORE_RECORDS_MAX) {
          const chunk = records.slice(from, from + RESTORE_RECORDS_MAX).map(
            ({ partition, value, appendTimeMs }): KafkaAppend => ({
              partition,
              value,
              headers: toRestoredHeaders(appendTimeMs),
            }),
          );
          await produce(producer, topic, chunk, timeoutMs);
        }
      } finally {
        await producer.disconnect();
      }
    },
    close: () => Promise.resolve(),
  };
}

function toSettings(retentionMs: number | null): readonly Setting[] {
  return [
    { name: "cleanup.policy", value: "delete" },
    // The broker recompresses what foreign producers send in a codec that kafkajs cannot read.
    { name: "compression.type", value: "zstd" },
    { name: "max.message.bytes", value: String(BATCH_BYTES_MAX) },
    { name: "message.timestamp.type", value: "LogAppendTime" },
    { name: "retention.bytes", value: "-1" },
    { name: "retention.ms", value: String(retentionMs ?? -1) },
  ];
}

/**
 * Puts our settings on a topic that is there already, and waits until the broker goes by them. The
 * request replaces all that is set on the topic, so what an operator has set beside ours goes along.
 */
async function applySettings(
  admin: Admin,
  topic: string,
  settings: readonly Setting[],
): Promise<void> {
  const resource = { type: kafkajs.ConfigResourceTypes.TOPIC, name: topic };
  for (let look = 0; look < SETTING_LOOKS_MAX; look += 1) {
    const present = await loadSettings(admin, topic);
    if (settings.every(({ name, value }) => present.get(name) === value)) return;

    if (look === 0) {
      for (const { name, value } of settings) present.set(name, value);
      const configEntries = [...present].map(([name, value]) => ({ name, value }));
      await admin.alterConfigs({
        validateOnly: false,
        resources: [{ ...resource, configEntries }],
      });
    }
    await sleep(SETTING_LOOK_AFTER_MS);
  }
  throw new LogUnavailableError(`Kafka did not take on the settings of topic "${topic}"`);
}

/** What is set on the topic itself. */
async function loadSettings(admin: Admin, topic: string): Promise<Map<string, string>> {
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic }],
  });
  const present = new Map<string, string>();
  for (const entry of resources[0]?.configEntries ?? []) {
    if (entry.configSource === SET_ON_TOPIC) present.set(entry.configName, entry.configValue);
  }
  return present;
}

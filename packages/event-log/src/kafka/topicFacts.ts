/// <reference path="./kafkajsInternals.d.ts" />

import kafkajs from "kafkajs";
import type Cluster from "kafkajs/src/cluster/index.js";
import Encoder from "kafkajs/src/protocol/encoder.js";
import { type TopicFacts, UnknownTopicError } from "../port.ts";
import { hasKafkaErrorType, toLogFault, withDeadline } from "./kafkaFaults.ts";

type Broker = Awaited<ReturnType<Cluster["findBroker"]>>;

const METADATA = 3;
/** The first that asks for topics by id or name, and tells the id; kafkajs ends before it. */
const METADATA_VERSION = 10;
const UNKNOWN_TOPIC = 3;
const UUID_BYTES = 16;
const NO_ID = Buffer.alloc(UUID_BYTES);
const NO_TAGS = 0;

/**
 * Asks what a topic is: its id, which a topic that was deleted and made anew does not keep, and who stamps
 * its records. Ends the connection. Brokers of before Kafka 2.8 know no ids.
 *
 * @throws {UnknownTopicError | LogUnavailableError}
 */
export async function loadTopicFacts(
  cluster: Cluster,
  topic: string,
  timeoutMs: number,
): Promise<TopicFacts> {
  try {
    return await withDeadline(timeoutMs, ask(cluster, topic));
  } catch (error) {
    if (hasKafkaErrorType(error, "UNKNOWN_TOPIC_OR_PARTITION")) {
      throw new UnknownTopicError(topic, { cause: error });
    }
    throw toLogFault(error);
  } finally {
    void cluster.disconnect().catch(() => undefined);
  }
}

async function ask(cluster: Cluster, topic: string): Promise<TopicFacts> {
  await cluster.connect();
  await cluster.addTargetTopic(topic);
  const [nodeId = ""] = Object.keys(cluster.findLeaderForPartitions(topic, [0]));
  const broker = await cluster.findBroker({ nodeId });
  const topicId = await askTopicId(broker, topic);
  return { topicId, timesBy: await askTimesBy(broker, topic) };
}

async function askTimesBy(broker: Broker, topic: string): Promise<TopicFacts["timesBy"]> {
  try {
    const { resources } = await broker.describeConfigs({
      resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic }],
    });
    const setting = resources[0]?.configEntries.find(
      ({ configName }) => configName === "message.timestamp.type",
    );
    if (setting === undefined) return null;
    return setting.configValue === "CreateTime" ? "producer" : "log";
  } catch (error) {
    // Who may read a topic need not be allowed to see its settings; each batch tells of its times, too.
    const isForbidden = hasKafkaErrorType(
      error,
      "TOPIC_AUTHORIZATION_FAILED",
      "CLUSTER_AUTHORIZATION_FAILED",
    );
    if (isForbidden) return null;
    throw error;
  }
}

async function askTopicId(broker: Broker, topic: string): Promise<string | null> {
  if ((broker.versions?.[METADATA]?.maxVersion ?? 0) < METADATA_VERSION) return null;
  const id = await broker.connectionPool.send({
    request: {
      apiKey: METADATA,
      apiVersion: METADATA_VERSION,
      apiName: "Metadata",
      encode: async () => encodeRequest(topic),
    },
    response: {
      decode: async (answer) => ({ answer }),
      parse: async ({ answer }) => readTopicId(new FlexibleReader(answer), topic),
    },
  });
  return id.equals(NO_ID) ? null : id.toString("base64url");
}

/** kafkajs writes a header of the old form; the tags that the new one ends with come first here. */
function encodeRequest(topic: string): Encoder {
  const name = Buffer.from(topic, "utf8");
  const oneTopic = Buffer.from([NO_TAGS, 2]);
  const [autoCreate, clusterOperations, topicOperations] = [0, 0, 0];
  return new Encoder()
    .writeBuffer(Buffer.concat([oneTopic, NO_ID, compactLength(name.length), name]))
    .writeBuffer(Buffer.from([NO_TAGS, autoCreate, clusterOperations, topicOperations, NO_TAGS]));
}

/** One more than it is; names of topics have at most 249 bytes. */
function compactLength(bytes: number): Buffer {
  const length = bytes + 1;
  return length < 128 ? Buffer.from([length]) : Buffer.from([(length & 127) | 128, length >> 7]);
}

function readTopicId(answer: FlexibleReader, topic: string): Buffer {
  answer.skipTags();
  answer.skip(THROTTLE_TIME_BYTES);
  for (let brokers = answer.compactLength(); brokers > 0; brokers -= 1) {
    answer.skip(NODE_ID_BYTES);
    answer.skip(answer.compactLength());
    answer.skip(PORT_BYTES);
    answer.skip(answer.compactLength());
    answer.skipTags();
  }
  answer.skip(answer.compactLength());
  answer.skip(CONTROLLER_ID_BYTES);
  if (answer.compactLength() < 1) throw new UnknownTopicError(topic);
  const errorCode = answer.int16();
  if (errorCode === UNKNOWN_TOPIC) throw new UnknownTopicError(topic);
  if (errorCode !== 0) throw new Error(`Kafka answers with error ${errorCode} for "${topic}"`);
  answer.skip(answer.compactLength());
  return answer.bytes(UUID_BYTES);
}

const THROTTLE_TIME_BYTES = 4;
const NODE_ID_BYTES = 4;
const PORT_BYTES = 4;
const CONTROLLER_ID_BYTES = 4;

/** Reads an answer of the protocol's flexible versions. Throws a RangeError past its end. */
class FlexibleReader {
  readonly #answer: Buffer;
  #at = 0;

  constructor(answer: Buffer) {
    this.#answer = answer;
  }

  int16(): number {
    const value = this.#answer.readInt16BE(this.#at);
    this.#at += 2;
    return value;
  }

  bytes(count: number): Buffer {
    const end = this.#at + count;
    if (end > this.#answer.length) throw new RangeError("Kafka's answer is cut short");
    const bytes = this.#answer.subarray(this.#at, end);
    this.#at = end;
    return bytes;
  }

  skip(count: number): void {
    this.bytes(count);
  }

  /** Of a string or a list; 0 also for one that is null. */
  compactLength(): number {
    return Math.max(0, this.#varint() - 1);
  }

  skipTags(): void {
    for (let tags = this.#varint(); tags > 0; tags -= 1) {
      this.#varint();
      this.skip(this.#varint());
    }
  }

  #varint(): number {
    let value = 0;
    for (let shift = 0; shift < VARINT_BITS_MAX; shift += 7) {
      const byte = this.#answer.readUInt8(this.#at);
      this.#at += 1;
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
    throw new RangeError("Kafka's answer holds no length where one should be");
  }
}

const VARINT_BITS_MAX = 35;

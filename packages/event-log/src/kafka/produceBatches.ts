/// <reference path="./kafkajsInternals.d.ts" />

import type Encoder from "kafkajs/src/protocol/encoder.js";
import Produce from "kafkajs/src/protocol/requests/produce/index.js";
import { encoderWithFrontRoom, useFrontRoom } from "./frontRoom.ts";
import { RecordBatch } from "./recordBatch.ts";

type ProduceData = Parameters<ReturnType<typeof Produce.protocol>>[0];

interface TopicBatches {
  readonly topic: string;
  readonly batches: readonly RecordBatch[];
}

/** The first version of the request in which a broker takes zstd. */
const ZSTD_SINCE_VERSION = 7;
/** Room for a topic's name and the numbers of a request, beside its batches. */
const FRAMING_BYTES = 1_024;

let isTaught = false;

/**
 * Has kafkajs put a `RecordBatch` into its Produce request as it stands. What it makes of messages
 * by itself, it copies and zeroes at each of seven layers. Requests of others are left as they are.
 */
export function teachRecordBatches(): void {
  if (isTaught) return;
  isTaught = true;
  useFrontRoom();
  const protocolOf = Produce.protocol;
  Produce.protocol = ({ version }) => {
    const toProduce = protocolOf({ version });
    return (data) => {
      const produce = toProduce(data);
      const topics = batchesOf(data);
      if (topics === null) return produce;
      if (version < ZSTD_SINCE_VERSION) throw new Error("The broker is too old for zstd");
      const encode = () => Promise.resolve(encodeProduce(data, topics));
      return { ...produce, request: { ...produce.request, encode } };
    };
  };
}

/** Null when the request is none of ours. */
function batchesOf({ topicData }: ProduceData): readonly TopicBatches[] | null {
  const messages = topicData.flatMap(({ partitions }) => partitions.flatMap((of) => of.messages));
  if (!messages.some((message) => message instanceof RecordBatch)) return null;
  return topicData.map(({ topic, partitions }) => ({
    topic,
    batches: partitions.map(({ messages: [batch, ...others] }) => {
      // A broker takes one batch for a partition in a request, and refuses all of it otherwise.
      const isAlone = batch instanceof RecordBatch && others.length === 0;
      if (!isAlone) throw new TypeError("A partition has something beside its batch");
      return batch;
    }),
  }));
}

function encodeProduce({ acks, timeout }: ProduceData, topics: readonly TopicBatches[]): Encoder {
  const batchBytes = topics.flatMap(({ batches }) => batches.map(({ value }) => value.length));
  const bytes = batchBytes.reduce((sum, length) => sum + length, FRAMING_BYTES);
  const request = encoderWithFrontRoom(bytes);
  // No transaction.
  request.writeString(null).writeInt16(acks).writeInt32(timeout);
  request.writeInt32(topics.length);
  for (const { topic, batches } of topics) {
    request.writeString(topic).writeInt32(batches.length);
    for (const { partition, value } of batches) {
      request.writeInt32(partition).writeInt32(value.length).writeBuffer(value);
    }
  }
  return request;
}

/// <reference path="./kafkajsInternals.d.ts" />

import fc from "fast-check";
import { CompressionTypes, type Message } from "kafkajs";
import createRequest from "kafkajs/src/protocol/request.js";
import Produce from "kafkajs/src/protocol/requests/produce/index.js";
import { expect, it } from "vitest";
import { repairKafkajs } from "./kafkajsRepairs.ts";
import { encodeRecordBatch, RecordBatch } from "./recordBatch.ts";

const VERSION_WITH_ZSTD = 7;
const VERSION_WITHOUT_ZSTD = 6;
const TIME_MS = 1_795_000_000_123;

const header = fc.dictionary(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }));
const size = fc.oneof(fc.integer({ min: 0, max: 200 }), fc.constantFrom(8_191, 8_192, 1_048_576));
const record = fc.record(
  { value: size.map((bytes) => Buffer.alloc(bytes, "event ")), headers: header },
  { requiredKeys: ["value"] },
);
const batches = fc.array(fc.array(record, { minLength: 1, maxLength: 70 }), { maxLength: 3 });

/** As it goes over the wire. The longer name of the client leaves no room before our batches. */
async function request(
  partitions: readonly (readonly Message[])[],
  version = VERSION_WITH_ZSTD,
  clientId = "edge",
) {
  const topicData = [
    {
      topic: "tópico",
      partitions: partitions.map((messages, partition) => ({ partition, messages })),
    },
  ];
  const data = { acks: -1, timeout: 9_000, compression: CompressionTypes.ZSTD, topicData };
  const { request: toSend } = Produce.protocol({ version })(data);
  return (await createRequest({ correlationId: 7, clientId, request: toSend })).buffer;
}

// kafkajs's own batches are read by every broker; ours differ from them in no byte.
it("writes the request that kafkajs would write itself", async () => {
  repairKafkajs();
  await fc.assert(
    fc.asyncProperty(batches, fc.constantFrom("edge", "e".repeat(600)), async (records, client) => {
      const ready = records.map((ofPartition, partition) => [
        new RecordBatch(partition, encodeRecordBatch(ofPartition, TIME_MS)),
      ]);
      const messages = records.map((ofPartition) =>
        ofPartition.map((message) => ({ ...message, timestamp: String(TIME_MS) })),
      );
      const ours = await request(ready, VERSION_WITH_ZSTD, client);
      const theirs = await request(messages, VERSION_WITH_ZSTD, client);
      expect(ours.equals(theirs)).toBe(true);
    }),
    { numRuns: 40 },
  );
});

it("refuses what a broker would refuse or not understand", async () => {
  repairKafkajs();
  const batch = new RecordBatch(0, encodeRecordBatch([{ value: Buffer.of(1) }], TIME_MS));
  await expect(request([[batch, batch]])).rejects.toThrow("beside its batch");
  await expect(request([[batch], [{ value: "plain" }]])).rejects.toThrow("its batch");
  await expect(request([[batch]], VERSION_WITHOUT_ZSTD)).rejects.toThrow("too old");
});

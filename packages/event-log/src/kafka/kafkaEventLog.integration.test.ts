import { gzipSync, zstdCompressSync } from "node:zlib";
import { kafkaBrokers } from "@trueclick/local-stack/testing";
import kafkajs, { type CompressionTypes } from "kafkajs";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { EventLog } from "../port.ts";
import { drain } from "../testing/drain.ts";
import { createKafkaEventLog } from "./kafkaEventLog.ts";

const brokers = kafkaBrokers();
const why = brokers === null ? " (SKIPPED: no Kafka on this machine)" : "";

/** So that the broker keeps a batch as it comes. */
const PRODUCERS_OWN = { name: "compression.type", value: "producer" };

const PATIENCE = { timeout: 120_000, interval: 100 };

type Codec = CompressionTypes.GZIP | CompressionTypes.ZSTD;

describe.skipIf(brokers === null)(`Kafka event log${why}`, () => {
  const at = [brokers ?? ""];
  let log: EventLog;
  let plain: kafkajs.Kafka;
  beforeAll(() => {
    log = createKafkaEventLog({ brokers: at, clientId: "test" });
    plain = new kafkajs.Kafka({ brokers: at, logLevel: kafkajs.logLevel.NOTHING });
  });

  const warnings: Error[] = [];
  const keepWarning = (warning: Error) => void warnings.push(warning);
  beforeAll(() => void process.on("warning", keepWarning));
  afterAll(() => void process.off("warning", keepWarning));

  it("passes over what a foreign producer's transactions leave behind", async () => {
    await log.admin().ensureTopic("transactions", { partitionCount: 1, retentionMs: null });
    const appender = await log.appender("transactions");
    const reader = await log.reader("transactions");
    const producer = plain.producer({
      transactionalId: "foreign",
      idempotent: true,
      maxInFlightRequests: 1,
      createPartitioner: () => () => 0,
    });
    await producer.connect();
    const send = async (value: string, end: "abort" | "commit") => {
      const transaction = await producer.transaction();
      await transaction.send({ topic: "transactions", messages: [{ value }] });
      await transaction[end]();
    };
    await send("aborted", "abort");
    await send("aborted too", "abort");
    await appender.append([{ partition: 0, value: Buffer.from("ours") }]);
    await send("committed", "commit");
    await producer.disconnect();
    // Kafka writes the marks that end transactions when it gets to it: three, beside four records.
    const everything = async () => expect((await reader.offsets(0)).endOffset).toBe(7n);
    await vi.waitFor(everything, PATIENCE);
    await appender.append([{ partition: 0, value: Buffer.from("last") }]);

    const values = (await drain(reader, 0, 0n, 1)).map(({ value }) => value.toString());
    expect(values).toEqual(["ours", "committed", "last"]);
    await Promise.all([appender.close(), reader.close()]);
  });

  // Of a batch whose first frame alone is read, the events of the others are never heard of.
  it.each<[string, Codec, (part: Buffer) => Buffer]>([
    ["zstd frames", kafkajs.CompressionTypes.ZSTD, zstdCompressSync],
    ["gzip members", kafkajs.CompressionTypes.GZIP, gzipSync],
  ])("reads a foreign producer's batch of several %s whole", async (_what, compression, pack) => {
    const topic = `frames.${compression}`;
    const settings = { topic, numPartitions: 1, configEntries: [PRODUCERS_OWN] };
    const admin = plain.admin();
    await admin.connect();
    await admin.createTopics({ topics: [settings] });
    await admin.disconnect();
    const ours = kafkajs.CompressionCodecs[compression];
    const inFrames = async ({ buffer }: { readonly buffer: Buffer }) => {
      const third = Math.ceil(buffer.length / 3);
      const parts = [0, 1, 2].map((part) => buffer.subarray(part * third, (part + 1) * third));
      return Buffer.concat(parts.map((part) => pack(part)));
    };
    const producer = plain.producer({ createPartitioner: () => () => 0 });
    await producer.connect();
    const sent = Array.from({ length: 50 }, (_, index) => `event ${index}`);
    try {
      kafkajs.CompressionCodecs[compression] = () => ({ ...ours(), compress: inFrames });
      await producer.send({ topic, compression, messages: sent.map((value) => ({ value })) });
    } finally {
      kafkajs.CompressionCodecs[compression] = ours;
      await producer.disconnect();
    }
    const reader = await log.reader(topic);
    const read = (await drain(reader, 0)).map(({ value }) => value.toString());
    await reader.close();
    expect(read).toEqual(sent);
  });

  // A topic that was made anew has other records at the same offsets.
  it("tells a topic from one of the same name that came after", async () => {
    const topic = "made.anew";
    const admin = plain.admin();
    await admin.connect();
    const make = async () => {
      await log.admin().ensureTopic(topic, { partitionCount: 2, retentionMs: null });
      const reader = await log.reader(topic);
      const ids = [await reader.facts(), await reader.facts()].map(({ topicId }) => topicId);
      await reader.close();
      expect(ids[0]).toMatch(/^[\w-]{22}$/);
      expect(ids[1]).toBe(ids[0]);
      return ids[0];
    };
    const first = await make();
    await admin.deleteTopics({ topics: [topic] });
    await vi.waitFor(async () => expect(await admin.listTopics()).not.toContain(topic), PATIENCE);
    expect(await make()).not.toBe(first);
    await admin.disconnect();
  });

  it("says of records whose times are their producers', and of the topic that takes such", async () => {
    const topic = "clocks";
    await log.admin().ensureTopic(topic, { partitionCount: 1, retentionMs: null });
    const admin = plain.admin();
    await admin.connect();
    const stampedBy = async (value: string) => {
      const configEntries = [{ name: "message.timestamp.type", value }];
      const resource = { type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configEntries };
      await admin.alterConfigs({ validateOnly: false, resources: [resource] });
    };
    const reader = await log.reader(topic);
    const producer = plain.producer({ createPartitioner: () => () => 0 });
    await producer.connect();
    for (const [setting, timesBy] of [
      ["LogAppendTime", "log"],
      ["CreateTime", "producer"],
    ] as const) {
      await stampedBy(setting);
      await vi.waitFor(
        async () => expect(await reader.facts()).toMatchObject({ timesBy }),
        PATIENCE,
      );
      await producer.send({ topic, messages: [{ value: setting, timestamp: "86400000" }] });
    }
    const read = await drain(reader, 0);
    expect(read.map(({ value, timeBy }) => [value.toString(), timeBy])).toEqual([
      ["LogAppendTime", undefined],
      ["CreateTime", "producer"],
    ]);
    await Promise.all([producer.disconnect(), admin.disconnect(), reader.close()]);
  });

  it("brings a topic's settings to ours and leaves the operator's alone", async () => {
    const topic = "operated";
    const admin = plain.admin();
    await admin.connect();
    const configEntries = [
      { name: "segment.bytes", value: "2097152" },
      { name: "message.timestamp.type", value: "CreateTime" },
    ];
    await admin.createTopics({ topics: [{ topic, numPartitions: 1, configEntries }] });
    await log.admin().ensureTopic(topic, { partitionCount: 1, retentionMs: 3_600_000 });

    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic }],
    });
    await admin.disconnect();
    const settings = resources[0]?.configEntries.map((entry) => [
      entry.configName,
      entry.configValue,
    ]);
    expect(Object.fromEntries(settings ?? [])).toMatchObject({
      "segment.bytes": "2097152",
      "message.timestamp.type": "LogAppendTime",
      "compression.type": "zstd",
      "max.message.bytes": "2097152",
      "retention.ms": "3600000",
    });
  });

  // kafkajs alone wakes a thousand times a second for each connection and warns of it.
  it("sets no timers to negative times", () => {
    expect(warnings.filter(({ name }) => name === "TimeoutNegativeWarning")).toEqual([]);
  });
});

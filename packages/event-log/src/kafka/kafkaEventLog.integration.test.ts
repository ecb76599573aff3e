import { kafkaBrokers } from "@trueclick/local-stack/testing";
import kafkajs from "kafkajs";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { EventLog } from "../port.ts";
import { drain } from "../testing/drain.ts";
import { createKafkaEventLog } from "./kafkaEventLog.ts";

const brokers = kafkaBrokers();
const why = brokers === null ? " (SKIPPED: no Kafka on this machine)" : "";

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
    await vi.waitFor(everything, { timeout: 30_000, interval: 50 });
    await appender.append([{ partition: 0, value: Buffer.from("last") }]);

    const values = (await drain(reader, 0, 0n, 1)).map(({ value }) => value.toString());
    expect(values).toEqual(["ours", "committed", "last"]);
    await Promise.all([appender.close(), reader.close()]);
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

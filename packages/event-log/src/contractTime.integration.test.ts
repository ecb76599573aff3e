/** What users of the log may rely on about time, waiting and topics, whichever adapter it is. */

import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type EventLogAppender, type EventLogReader, UnknownTopicError } from "./port.ts";
import { kafkaAdapter, type LogUnderTest, postgresAdapter, titleOf } from "./testing/adapters.ts";
import { drain } from "./testing/drain.ts";

const never = new AbortController().signal;
/** Well below every wait here: who waited to its end took longer, and who did not may be slow. */
const AT_ONCE_MS = 15_000;

const text = (partition: number, value: string) => ({ partition, value: Buffer.from(value) });
const toText = (record: { readonly value: Buffer }) => record.value.toString();

describe.each(
  [postgresAdapter, kafkaAdapter].map((adapter) => [titleOf(adapter), adapter] as const),
)("event log, time and waiting: %s", (_title, adapter) => {
  let under: LogUnderTest;
  const opened: (EventLogAppender | EventLogReader)[] = [];

  async function openTopic(partitionCount = 2) {
    const topic = `contract-${randomUUID()}`;
    await under.log.admin().ensureTopic(topic, { partitionCount, retentionMs: null });
    const appender = await under.log.appender(topic);
    const reader = await under.log.reader(topic);
    opened.push(appender, reader);
    return { topic, appender, reader };
  }

  beforeAll(async () => {
    if (adapter.missing === null) under = await adapter.open();
  });
  afterAll(async () => {
    await Promise.all(opened.map((part) => part.close()));
    await under?.close();
  });

  describe.skipIf(adapter.missing !== null)("contract", () => {
    it("stamps append times that never fall and are the same at every read", async () => {
      const { topic, appender, reader } = await openTopic(1);
      const beforeMs = Date.now();
      for (let index = 0; index < 20; index += 1) {
        await appender.append([text(0, `${index}a`), text(0, `${index}b`)]);
      }
      const records = await drain(reader, 0);
      const times = records.map(({ appendTimeMs }) => appendTimeMs);
      expect(times).toEqual(times.toSorted((a, b) => a - b));
      expect(times[0]).toBeGreaterThanOrEqual(beforeMs - 1_000);
      expect(times.at(-1)).toBeLessThanOrEqual(Date.now() + 1_000);

      // From the middle of what was appended together, too.
      const again = await under.log.reader(topic);
      opened.push(again);
      expect(await drain(again, 0, 7n, 3)).toEqual(records.slice(7));
    });

    it("restores records at the times they had", async () => {
      const { topic, appender, reader } = await openTopic(1);
      const appendTimes = [1_000, 1_000, 86_400_000, 1_700_000_000_000];
      const records = appendTimes.map((appendTimeMs) => ({
        ...text(0, `at ${appendTimeMs}`),
        appendTimeMs,
      }));
      await under.log.admin().restore(topic, records);
      await appender.append([text(0, "now")]);

      const read = await drain(reader, 0);
      expect(read.slice(0, 4).map(({ appendTimeMs }) => appendTimeMs)).toEqual(appendTimes);
      expect(read.map(toText)).toEqual([...appendTimes.map((time) => `at ${time}`), "now"]);
      expect(read[4]?.appendTimeMs).toBeGreaterThan(1_700_000_000_000);

      const falling = [2, 1].map((appendTimeMs) => ({ ...text(0, "x"), appendTimeMs }));
      const refused = async () => under.log.admin().restore(topic, falling);
      await expect(refused()).rejects.toBeInstanceOf(RangeError);
    });

    it("waits for a record, and answers at once when there is no time to wait", async () => {
      const { appender, reader } = await openTopic(1);
      const request = { partition: 0, fromOffset: 0n, recordsMax: 10, signal: never };
      expect(await reader.read({ ...request, waitMs: 0 })).toEqual([]);

      const waiting = reader.read({ ...request, waitMs: 20_000 });
      const startMs = performance.now();
      await appender.append([text(0, "come")]);
      expect((await waiting).map(toText)).toEqual(["come"]);
      expect(performance.now() - startMs).toBeLessThan(AT_ONCE_MS);

      const endMs = performance.now();
      expect(await reader.read({ ...request, fromOffset: 1n, waitMs: 700 })).toEqual([]);
      expect(performance.now() - endMs).toBeGreaterThanOrEqual(690);
    });

    it("lets nobody wait for another's empty partition", async () => {
      const { appender, reader } = await openTopic(4);
      const stop = new AbortController();
      const wait = (partition: number) =>
        reader.read({
          partition,
          fromOffset: 0n,
          recordsMax: 10,
          waitMs: 30_000,
          signal: stop.signal,
        });
      const idle = [wait(0), wait(1), wait(2)];
      const startMs = performance.now();
      for (let offset = 0n; offset < 20n; offset += 1n) {
        await appender.append([text(3, `${offset}`)]);
        const request = { partition: 3, fromOffset: offset, recordsMax: 1, waitMs: 9_000 };
        const records = await reader.read({ ...request, signal: never });
        expect(records.map(toText)).toEqual([`${offset}`]);
      }
      expect(performance.now() - startMs).toBeLessThan(AT_ONCE_MS);
      stop.abort();
      expect(await Promise.all(idle)).toEqual([[], [], []]);
    });

    it("ends a wait when aborted, and misses nothing afterwards", async () => {
      const { appender, reader } = await openTopic(1);
      const stop = new AbortController();
      const request = { partition: 0, fromOffset: 0n, recordsMax: 10, waitMs: 30_000 };
      const waiting = reader.read({ ...request, signal: stop.signal });
      const startMs = performance.now();
      stop.abort();
      expect(await waiting).toEqual([]);
      expect(await reader.read({ ...request, signal: stop.signal })).toEqual([]);
      expect(performance.now() - startMs).toBeLessThan(AT_ONCE_MS);

      await appender.append([text(0, "later")]);
      expect((await reader.read({ ...request, signal: never })).map(toText)).toEqual(["later"]);
    });

    it("creates a topic once and keeps its partitions", async () => {
      const topic = `contract-${randomUUID()}`;
      const admin = under.log.admin();
      await expect(under.log.appender(topic)).rejects.toBeInstanceOf(UnknownTopicError);
      await expect(under.log.reader(topic)).rejects.toBeInstanceOf(UnknownTopicError);

      const many = Array.from({ length: 4 }, () =>
        under.log.admin().ensureTopic(topic, { partitionCount: 3, retentionMs: 1_000 }),
      );
      await Promise.all(many);
      await admin.ensureTopic(topic, { partitionCount: 5, retentionMs: null });
      const reader = await under.log.reader(topic);
      opened.push(reader);
      expect(reader.partitionCount).toBe(3);
      await admin.close();
    });
  });
});

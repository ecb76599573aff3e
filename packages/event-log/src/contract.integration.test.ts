/** What users of the log may rely on, whichever adapter is behind it. */

import { randomBytes, randomUUID } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type EventLogAppender,
  type EventLogReader,
  LogRejectedError,
  OffsetOutOfRangeError,
  RECORD_BYTES_MAX,
} from "./port.ts";
import { kafkaAdapter, type LogUnderTest, postgresAdapter, titleOf } from "./testing/adapters.ts";
import { drain } from "./testing/drain.ts";

const never = new AbortController().signal;
const HOUR_MS = 3_600_000;

const text = (partition: number, value: string) => ({ partition, value: Buffer.from(value) });
const toText = (record: { readonly value: Buffer }) => record.value.toString();

describe.each(
  [postgresAdapter, kafkaAdapter].map((adapter) => [titleOf(adapter), adapter] as const),
)("event log: %s", (_title, adapter) => {
  let under: LogUnderTest;
  const opened: (EventLogAppender | EventLogReader)[] = [];

  async function openTopic(partitionCount = 2, retentionMs: number | null = null) {
    const topic = `contract-${randomUUID()}`;
    await under.log.admin().ensureTopic(topic, { partitionCount, retentionMs });
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
    // The bytes of what is released are written over, and a batch's records lie in one buffer.
    it("leaves the bytes of a record alone until that record is released", async () => {
      const { appender, reader } = await openTopic(1);
      const batch = (letters: string) => Array.from(letters, (letter) => letter.repeat(5_000));
      const [blocks, others] = [batch("abcdefgh"), batch("ijklmnop")];
      const read = (from: number, recordsMax: number) => {
        const fromOffset = BigInt(from);
        return reader.read({ partition: 0, fromOffset, recordsMax, waitMs: 5_000, signal: never });
      };
      await appender.append(blocks.map((block) => text(0, block)));
      const first = [...(await read(0, blocks.length))];
      const kept = first.splice(1, 1);
      await appender.append(others.map((block) => text(0, block)));
      // Said twice, it says no more.
      for (const released of [first, first]) {
        reader.release(released);
        const all = await read(blocks.length, others.length);
        expect(all.map(toText)).toEqual(others);
        expect(kept.map(toText)).toEqual([blocks[1]]);
        reader.release(all);
      }
    });

    it("has read the bytes of an append when it answers: they may be written over", async () => {
      const { appender, reader } = await openTopic(1);
      // Short and long, since a log may copy the one and not the other.
      const values = [50, 70_000].map((length) => randomBytes(length));
      const sent = values.map((value) => value.toString("hex"));
      for (let append = 0; append < 3; append += 1) {
        await appender.append(values.map((value) => ({ partition: 0, value })));
        for (const value of values) value.fill(append);
      }
      const stored = (await drain(reader, 0)).map(({ value }) => value.toString("hex"));
      const filled = [0, 1].flatMap((byte) =>
        values.map(({ length }) => Buffer.alloc(length, byte)),
      );
      expect(stored).toEqual([...sent, ...filled.map((value) => value.toString("hex"))]);
    });

    it("answers with the offsets at which a reader finds the records, in order", async () => {
      const { appender, reader } = await openTopic(3);
      const first = [text(2, "a"), text(0, "b"), text(2, "c"), text(2, "d")];
      const appended = await appender.append(first);
      expect(appended).toEqual([
        { partition: 2, offset: 0n },
        { partition: 0, offset: 0n },
        { partition: 2, offset: 1n },
        { partition: 2, offset: 2n },
      ]);
      expect(await appender.append([text(2, "e")])).toEqual([{ partition: 2, offset: 3n }]);
      expect(await appender.append([])).toEqual([]);

      expect((await drain(reader, 2)).map(toText)).toEqual(["a", "c", "d", "e"]);
      expect((await drain(reader, 0)).map(toText)).toEqual(["b"]);
      expect(await reader.offsets(2)).toEqual({ startOffset: 0n, endOffset: 4n });
      expect(await reader.offsets(1)).toEqual({ startOffset: 0n, endOffset: 0n });
    });

    it("gives back any bytes, from any offset, in pages of any size", async () => {
      const record = fc.record({
        partition: fc.nat({ max: 1 }),
        value: fc.uint8Array({ maxLength: 2_000 }).map((bytes) => Buffer.from(bytes)),
      });
      const calls = fc.array(fc.array(record, { maxLength: 8 }), { minLength: 1, maxLength: 8 });
      const page = fc.record({ from: fc.nat(), recordsMax: fc.integer({ min: 1, max: 9 }) });
      await fc.assert(
        fc.asyncProperty(calls, page, async (appends, { from, recordsMax }) => {
          const { appender, reader } = await openTopic();
          for (const records of appends) await appender.append(records);
          for (const partition of [0, 1]) {
            const expected = appends.flat().filter((sent) => sent.partition === partition);
            const start = from % (expected.length + 1);
            const read = await drain(reader, partition, BigInt(start), recordsMax);
            expect(read.map((found) => found.value)).toEqual(
              expected.slice(start).map((sent) => sent.value),
            );
            expect(read.map((found) => Number(found.offset) - start)).toEqual([...read.keys()]);
          }
        }),
        { numRuns: 12 },
      );
    });

    // A reader that meets offset n + 1 before n is visible never comes back for n. Offsets taken
    // from a sequence, or a lock let go before the commit, show here.
    it("never shows a gap to a reader while many append", async () => {
      const APPENDERS = 6;
      const APPENDS = 40;
      const { topic, reader } = await openTopic(3);
      const append = async (name: number) => {
        const appender = await under.log.appender(topic);
        opened.push(appender);
        for (let index = 0; index < APPENDS; index += 1) {
          const order = name % 2 === 0 ? [0, 1, 2] : [2, 1, 0];
          await appender.append(order.map((partition) => text(partition, `${name}:${index}`)));
        }
      };
      const follow = async (partition: number) => {
        const seen: string[] = [];
        while (seen.length < APPENDERS * APPENDS) {
          const fromOffset = BigInt(seen.length);
          const request = { partition, fromOffset, recordsMax: 50, waitMs: 5_000, signal: never };
          const records = await reader.read(request);
          expect(records[0]?.offset).toBe(fromOffset);
          for (const [index, found] of records.entries()) {
            expect(found.offset).toBe(fromOffset + BigInt(index));
            seen.push(toText(found));
          }
        }
        return seen;
      };
      const appends = Array.from({ length: APPENDERS }, (_, name) => append(name));
      const [, ...followed] = await Promise.all([Promise.all(appends), ...[0, 1, 2].map(follow)]);
      for (const seen of followed) {
        for (let name = 0; name < APPENDERS; name += 1) {
          const own = seen.filter((value) => value.startsWith(`${name}:`));
          expect(own).toEqual(Array.from({ length: APPENDS }, (_, index) => `${name}:${index}`));
        }
      }
    });

    it("coalesces appends that overlap and loses none", async () => {
      const { appender, reader } = await openTopic();
      const values = Array.from({ length: 300 }, (_, index) => `v${index}`);
      const appended = await Promise.all(
        values.map((value, index) => appender.append([text(index % 2, value)])),
      );
      for (const partition of [0, 1]) {
        for (const found of await drain(reader, partition)) {
          const index = values.indexOf(toText(found));
          expect(appended[index]).toEqual([{ partition, offset: found.offset }]);
        }
        expect((await reader.offsets(partition)).endOffset).toBe(150n);
      }
    });

    it("refuses an offset before the first and after the end, and names the range", async () => {
      const { topic, appender, reader } = await openTopic(2, HOUR_MS);
      const old = Date.now() - 2 * HOUR_MS;
      await under.log.admin().restore(
        topic,
        [0, 1, 2].map((n) => ({ ...text(1, `old${n}`), appendTimeMs: old + n })),
      );
      await appender.append([text(1, "new")]);
      await under.expireBefore(topic, 1, 3n);

      const range = { startOffset: 3n, endOffset: 4n };
      expect(await reader.offsets(1)).toEqual(range);
      const read = (fromOffset: bigint) =>
        reader.read({ partition: 1, fromOffset, recordsMax: 10, waitMs: 0, signal: never });
      for (const fromOffset of [0n, 2n, 5n]) {
        const error = await read(fromOffset).catch((reason: unknown) => reason);
        expect(error).toBeInstanceOf(OffsetOutOfRangeError);
        expect(error).toMatchObject({ partition: 1, requested: fromOffset, range });
      }
      expect((await read(3n)).map(toText)).toEqual(["new"]);
      expect(await read(4n)).toEqual([]);
      expect(await appender.append([text(1, "next")])).toEqual([{ partition: 1, offset: 4n }]);
    });

    it("takes on partitions that a topic is given, from their beginning", async () => {
      const { topic, appender, reader } = await openTopic(2);
      const admin = under.log.admin();
      await appender.append([text(1, "before")]);
      expect(await reader.endOffsets()).toEqual([0n, 1n]);
      await admin.growTopic(topic, 4);
      // Never fewer.
      await admin.growTopic(topic, 3);
      expect(reader.partitionCount).toBe(2);
      await expect.poll(() => reader.refreshPartitionCount(), { timeout: 120_000 }).toBe(4);
      expect(reader.partitionCount).toBe(4);

      const grown = await under.log.appender(topic);
      opened.push(grown);
      expect(grown.partitionCount).toBe(4);
      const first = { partition: 3, offset: 0n };
      expect(await grown.append([text(3, "first")])).toEqual([first]);
      await expect.poll(() => reader.endOffsets(), { timeout: 120_000 }).toEqual([0n, 1n, 0n, 1n]);
      // Opened before, it knows of no others, and goes on.
      await expect(appender.append([text(3, "none")])).rejects.toBeInstanceOf(RangeError);
      await appender.append([text(1, "after")]);
      expect((await drain(reader, 3)).map(toText)).toEqual(["first"]);
      expect((await drain(reader, 1)).map(toText)).toEqual(["before", "after"]);
    });

    it("keeps the end when every record has expired", async () => {
      const { topic, appender, reader } = await openTopic(1, HOUR_MS);
      const appendTimeMs = Date.now() - 2 * HOUR_MS;
      await under.log.admin().restore(topic, [{ ...text(0, "old"), appendTimeMs }]);
      await under.expireBefore(topic, 0, 1n);
      expect(await reader.offsets(0)).toEqual({ startOffset: 1n, endOffset: 1n });
      expect(await appender.append([text(0, "new")])).toEqual([{ partition: 0, offset: 1n }]);
    });

    it("reads a block of one from a foreign producer, at the log's own time", async () => {
      const beforeMs = Date.now();
      const { topic, appender, reader } = await openTopic(1);
      await appender.append([text(0, "ours")]);
      await under.appendForeign(topic, 0, ['{"n":1}', '{"n":2}']);
      await appender.append([text(0, "ours again")]);

      const records = await drain(reader, 0);
      expect(records.map(toText)).toEqual(["ours", '{"n":1}', '{"n":2}', "ours again"]);
      for (const { appendTimeMs } of records) {
        expect(appendTimeMs).toBeGreaterThanOrEqual(beforeMs - 1_000);
        expect(appendTimeMs).toBeLessThanOrEqual(Date.now() + 1_000);
      }
    });

    it("takes records of 1 MiB that do not compress, many for one partition at once", async () => {
      const { appender, reader } = await openTopic(1);
      const values = Array.from({ length: 6 }, () => randomBytes(RECORD_BYTES_MAX));
      const appended = await appender.append(values.map((value) => ({ partition: 0, value })));
      expect(appended.map(({ offset }) => offset)).toEqual([0n, 1n, 2n, 3n, 4n, 5n]);
      const records = await drain(reader, 0);
      expect(records.map(({ value }, index) => value.equals(values[index] ?? value))).toEqual(
        values.map(() => true),
      );
    });

    it("refuses a larger record and a partition that is not there, and goes on", async () => {
      const { appender, reader } = await openTopic(2);
      const large = { partition: 0, value: Buffer.alloc(RECORD_BYTES_MAX + 1) };
      await expect(appender.append([text(0, "x"), large])).rejects.toBeInstanceOf(LogRejectedError);
      for (const partition of [-1, 2, 0.5]) {
        await expect(appender.append([text(partition, "x")])).rejects.toBeInstanceOf(RangeError);
        await expect(reader.offsets(partition)).rejects.toBeInstanceOf(RangeError);
      }
      expect(await appender.append([text(0, "y")])).toEqual([{ partition: 0, offset: 0n }]);
    });
  });
});

import {
  type LogRecord,
  LogUnavailableError,
  OffsetOutOfRangeError,
  type TopicFacts,
  type TopicReader,
  TopicReplacedError,
} from "@trueclick/event-log";
import { beforeEach, expect, it } from "vitest";
import { sameTopicReader } from "./sameTopic.ts";

const OURS: TopicFacts = { topicId: "ours", timesBy: "log" };
const ANOTHER: TopicFacts = { topicId: "another", timesBy: "log" };
const AWAY = new LogUnavailableError("away");

let nowMs: number;
let facts: TopicFacts;
let answers: (readonly LogRecord[] | Error)[];
let looks: number;
let released: number;
let told: string[];
let reader: TopicReader;
beforeEach(() => {
  [nowMs, facts, answers, looks, released, told] = [0, OURS, [], 0, 0, []];
  let firstId: string | null = null;
  reader = sameTopicReader({
    reader: logOf(),
    ids: {
      firstSeen: async (id) => {
        firstId ??= id;
        return firstId;
      },
    },
    observer: {
      looked: (at) => void told.push(at),
      producerTimes: (partition, records) => void told.push(`${partition}: ${records}`),
    },
    nowMs: () => nowMs,
  });
});

function logOf(): TopicReader {
  return {
    topic: "clicks.raw",
    partitionCount: 1,
    refreshPartitionCount: async () => 1,
    endOffsets: async () => [9n],
    facts: async () => {
      looks += 1;
      return facts;
    },
    read: async () => {
      const answer = answers.shift() ?? [];
      if (answer instanceof Error) throw answer;
      return answer;
    },
    release: (records) => {
      released += records.length;
    },
    offsets: async () => ({ startOffset: 0n, endOffset: 9n }),
    close: async () => {},
  };
}

const record = (more: Partial<LogRecord> = {}): LogRecord => {
  return { partition: 0, offset: 0n, appendTimeMs: 0, value: Buffer.alloc(0), ...more };
};
const { signal } = new AbortController();
const read = () => reader.read({ partition: 0, fromOffset: 0n, recordsMax: 9, waitMs: 0, signal });

it("hands out records of the topic it knows, and asks once in ten seconds", async () => {
  answers = [[record()], [record()], [record()]];
  expect(await read()).toHaveLength(1);
  nowMs += 9_000;
  expect(await read()).toHaveLength(1);
  expect(looks).toBe(1);
  nowMs += 2_000;
  expect(await read()).toHaveLength(1);
  expect(looks).toBe(2);
});

it("hands out none of another topic behind a fault of the log, however soon", async () => {
  answers = [[record()], AWAY, [record()]];
  await read();
  facts = ANOTHER;
  nowMs += 1;
  await expect(read()).rejects.toBe(AWAY);
  await expect(read()).rejects.toThrow(TopicReplacedError);
  expect(released).toBe(1);
  expect(told).toEqual(["same", "replaced"]);
});

it("starts to read no other topic, and says of one that has not come so far what it is", async () => {
  await reader.offsets(0);
  facts = ANOTHER;
  nowMs += 2_000;
  await expect(reader.offsets(0)).rejects.toThrow(TopicReplacedError);
  answers = [new OffsetOutOfRangeError(0, 90n, { startOffset: 0n, endOffset: 9n })];
  await expect(read()).rejects.toThrow(TopicReplacedError);
});

it("says of a known topic that has not come so far that the offset is out of range", async () => {
  const past = new OffsetOutOfRangeError(0, 90n, { startOffset: 0n, endOffset: 9n });
  answers = [past];
  await expect(read()).rejects.toBe(past);
});

it("waits for a topic that keeps its producers' times, and goes on once it does not", async () => {
  facts = { ...OURS, timesBy: "producer" };
  await expect(reader.offsets(0)).rejects.toThrow(/LogAppendTime/);
  await expect(reader.offsets(0)).rejects.toBeInstanceOf(LogUnavailableError);
  facts = OURS;
  expect(await reader.offsets(0)).toMatchObject({ endOffset: 9n });
  expect(told.at(-1)).toBe("same");
});

it("tells of records that came with their producers' times all the same", async () => {
  answers = [[record(), record({ timeBy: "producer" })]];
  expect(await read()).toHaveLength(2);
  expect(told).toEqual(["same", "0: 1"]);
});

it("goes by nothing where the log knows no ids and does not say who stamps", async () => {
  facts = { topicId: null, timesBy: null };
  answers = [[record()]];
  expect(await read()).toHaveLength(1);
});

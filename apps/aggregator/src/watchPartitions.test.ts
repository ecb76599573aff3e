import { LogUnavailableError, type TopicReader } from "@trueclick/event-log";
import { Registry } from "prom-client";
import { expect, it } from "vitest";
import { MemoryLogReader } from "./stream/testing/memoryLog.ts";
import { watchPartitions } from "./watchPartitions.ts";

/** What the log answers, look by look; the last answer ends the watch. */
function readerOf(answers: (number | Error)[], stop: AbortController): TopicReader {
  let partitionCount = 12;
  const log = new MemoryLogReader([]);
  return {
    topic: "clicks.raw",
    get partitionCount() {
      return partitionCount;
    },
    refreshPartitionCount: async () => {
      const [answer = 0] = answers.splice(0, 1);
      if (answers.length === 0) stop.abort();
      if (answer instanceof Error) throw answer;
      partitionCount = Math.max(partitionCount, answer);
      return answer;
    },
    endOffsets: async () => [(await log.offsets()).endOffset],
    facts: async () => ({ topicId: null, timesBy: null }),
    read: (request) => log.read(request),
    release: (records) => log.release(records),
    offsets: () => log.offsets(),
    close: () => log.close(),
  };
}

it("says of more partitions that they are read, and of fewer that it is another topic", async () => {
  const stop = new AbortController();
  const told: string[] = [];
  const registry = new Registry();
  const tell = (level: string) => (details: object) =>
    void told.push(`${level} ${JSON.stringify(details)}`);
  const watch = {
    ...{ role: "stream", registry, intervalMs: 1 },
    logger: { warn: tell("warn"), error: tell("error") },
  };
  const answers = [12, new LogUnavailableError("away"), 16, 16, 3];
  await watchPartitions(readerOf(answers, stop), watch, stop.signal);
  expect(told).toEqual([
    'warn {"topic":"clicks.raw","before":12,"partitions":16}',
    'error {"topic":"clicks.raw","before":16,"partitions":3}',
  ]);
  const metric = await registry.getSingleMetricAsString("trueclick_log_partitions");
  expect(metric).toContain('trueclick_log_partitions{role="stream"} 3');
});

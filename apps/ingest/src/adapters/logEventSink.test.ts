import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SinkUnavailableError } from "../ports/eventSink.ts";
import { MemoryEventLog } from "../testing/memoryEventLog.ts";
import { createLogEventSink, type LogEventSink } from "./logEventSink.ts";

const BLOCK = { partition: 2, partitionCount: 3, value: Buffer.from("{}") };

let log: MemoryEventLog;
let nowMs: number;
let states: boolean[];
let sink: LogEventSink | null;
beforeEach(() => {
  log = new MemoryEventLog();
  nowMs = 1_000;
  states = [];
});
afterEach(() => sink?.close());

function open(): LogEventSink {
  sink = createLogEventSink(log, {
    topic: "clicks",
    partitionCount: 3,
    nowMs: () => nowMs,
    onOpenFailed: () => {},
    onAppend: () => {},
    onStateChange: (cause) => states.push(cause === null),
  });
  return sink;
}

describe("the log as event sink", () => {
  it("creates the topic where there is none", async () => {
    const opened = open();
    await expect.poll(() => opened.partitionCount()).toBe(3);
    expect(log.created).toEqual([{ topic: "clicks", partitionCount: 3 }]);
  });

  // Created again, it would lose the retention and the partitions that its operator chose.
  it("leaves a topic that is there as it is", async () => {
    log.records.set("clicks", []);
    const opened = open();
    await expect.poll(() => opened.partitionCount()).not.toBeNull();
    expect(log.created).toEqual([]);
  });

  it("is unavailable until the log is reached, which it tries again by itself", async () => {
    log.isUp = false;
    const opened = open();
    await expect(opened.append([BLOCK])).rejects.toThrow(SinkUnavailableError);
    await expect(opened.ping()).rejects.toThrow(SinkUnavailableError);
    log.isUp = true;
    await expect.poll(() => opened.partitionCount()).toBe(3);
    await opened.append([BLOCK]);
    expect(log.records.get("clicks")).toEqual([BLOCK]);
  });

  it("says once that appends fail and once that they succeed again", async () => {
    const opened = open();
    await expect.poll(() => opened.partitionCount()).toBe(3);
    log.isUp = false;
    for (const _try of [1, 2]) {
      await expect(opened.append([BLOCK])).rejects.toThrow(SinkUnavailableError);
    }
    log.isUp = true;
    await opened.append([BLOCK]);
    await opened.append([BLOCK]);
    expect(states).toEqual([false, true]);
  });

  // A full disk can be read; without traffic nobody would learn that it has room again.
  it("is not ready for a while after a failed append, then lets traffic try", async () => {
    const opened = open();
    await expect.poll(() => opened.partitionCount()).toBe(3);
    await opened.ping();
    log.isUp = false;
    await expect(opened.append([BLOCK])).rejects.toThrow(SinkUnavailableError);
    log.isUp = true;
    await expect(opened.ping()).rejects.toThrow(SinkUnavailableError);
    nowMs += 5_000;
    await opened.ping();
  });

  it("ends while the log was never reached", async () => {
    log.isUp = false;
    await open().close();
  });
});

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { partitionOf } from "@trueclick/event-log/partition";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Block } from "../../domain/blocks.ts";
import { SinkUnavailableError } from "../../ports/eventSink.ts";
import { FailingFolder } from "../../testing/failingFolder.ts";
import { MemoryEventLog } from "../../testing/memoryEventLog.ts";
import { createLogEventSink, type LogEventSink } from "../logEventSink.ts";
import { SegmentSpool } from "./segmentSpool.ts";
import { SpooledEventSink } from "./spooledEventSink.ts";
import { openSpoolFolder } from "./spoolFolder.ts";

const PARTITIONS = 4;
const WAIT = { timeout: 120_000, interval: 5 };
const nowMs = () => Date.now();

let path: string;
let folder: FailingFolder;
let log: MemoryEventLog;
let logSink: LogEventSink;
let spool: SegmentSpool;
let sink: SpooledEventSink;
beforeEach(async () => {
  path = await mkdtemp(join(tmpdir(), "trueclick-spool-"));
  folder = new FailingFolder(await openSpoolFolder(path));
  log = new MemoryEventLog();
});
afterEach(async () => {
  await sink.close();
  await logSink.close();
  await rm(path, { recursive: true, force: true });
});

async function open(partitionCountAssumed = PARTITIONS): Promise<void> {
  logSink = createLogEventSink(log, {
    topic: "clicks",
    partitionCount: PARTITIONS,
    nowMs,
    onOpenFailed: () => {},
    onAppend: () => {},
    onStateChange: () => {},
  });
  spool = await SegmentSpool.open(folder, { bytesMax: 4_000, nowMs });
  sink = new SpooledEventSink(logSink, spool, {
    ...{ partitionCountAssumed, partitionOf, nowMs },
    blockBytesMax: 1_000,
    spoolAfterMs: 30,
    onDrainFault: () => {},
  });
}

async function openReached(): Promise<void> {
  await open();
  await expect.poll(() => logSink.partitionCount(), WAIT).toBe(PARTITIONS);
}

function block(id: string, partitionCount = PARTITIONS): Block {
  const value = Buffer.from(JSON.stringify({ event_id: id }));
  return { partition: partitionOf(id, partitionCount), partitionCount, value };
}

const loggedIds = () =>
  (log.records.get("clicks") ?? []).map(({ value }) => JSON.parse(value.toString()).event_id);

describe("the log with a spool before it", () => {
  it("uses the log while it is up, and nothing else", async () => {
    await openReached();
    await sink.append([block("evt_00000001")]);
    expect(loggedIds()).toEqual(["evt_00000001"]);
    expect(spool.stats().spooledRecords).toBe(0);
  });

  // A log that is too slow goes on reading what was spooled in its place.
  it("says that blocks are read when the log has them in time, and of no others", async () => {
    await openReached();
    const read: string[] = [];
    const append = (id: string) => sink.append([block(id)], () => read.push(id));
    await append("evt_00000001");
    expect(read).toEqual(["evt_00000001"]);

    const opened = Promise.withResolvers<void>();
    log.gate = opened.promise;
    await append("evt_00000002");
    expect(spool.stats().spooledRecords).toBe(1);
    opened.resolve();
    await expect.poll(() => loggedIds().length, WAIT).toBe(3);
    expect(read).toEqual(["evt_00000001"]);
  });

  it("acks into the spool while the log is down, and drains it in order by itself", async () => {
    await openReached();
    log.isUp = false;
    const ids = Array.from({ length: 20 }, (_, index) => `evt_${String(index).padStart(8, "0")}`);
    for (const id of ids) await sink.append([block(id)]);
    expect(loggedIds()).toEqual([]);
    await sink.ping();
    expect(await sink.isLogUp()).toBe(false);
    log.isUp = true;
    await expect.poll(loggedIds, WAIT).toEqual(ids);
    await expect.poll(() => spool.stats().records, WAIT).toBe(0);
    expect(await sink.isLogUp()).toBe(true);
    await sink.append([block("evt_after")]);
    expect(loggedIds().at(-1)).toBe("evt_after");
    expect(spool.stats()).toMatchObject({ spooledRecords: 20, drainedRecords: 20 });
  });

  // Waiting would hold the sender, and its memory, for as long as the log hangs.
  it("does not wait for a log that hangs", async () => {
    await openReached();
    const { promise, resolve } = Promise.withResolvers<void>();
    log.gate = promise;
    await sink.append([block("evt_00000001")]);
    expect(spool.stats().records).toBe(1);
    resolve();
    // Once from the append that hung, once from the spool: at least once, never none.
    await expect.poll(loggedIds, WAIT).toEqual(["evt_00000001", "evt_00000001"]);
  });

  it("is unavailable once both are, and drops nothing of what it acked", async () => {
    await openReached();
    log.isUp = false;
    const acked: string[] = [];
    for (let index = 0; index < 200; index += 1) {
      const id = `evt_${String(index).padStart(8, "0")}`;
      const isAcked = await sink.append([block(id)]).then(
        () => true,
        (error: unknown) => {
          expect(error).toBeInstanceOf(SinkUnavailableError);
          return false;
        },
      );
      if (isAcked) acked.push(id);
    }
    expect(acked.length).toBeGreaterThan(50);
    expect(acked.length).toBeLessThan(200);
    log.isUp = true;
    await expect.poll(loggedIds, WAIT).toEqual(acked);
  });

  it("says that it is not ready while the log is down and the disk full", async () => {
    await openReached();
    log.isUp = false;
    folder.freeBytes = 0;
    await expect(sink.append([block("evt_00000001")])).rejects.toThrow(SinkUnavailableError);
    await expect(sink.ping()).rejects.toThrow(SinkUnavailableError);
    log.isUp = true;
    folder.freeBytes = 10_000;
    await sink.append([block("evt_00000001")]);
    await sink.ping();
  });

  // A slow log is better than a refusal.
  it("waits for a slow log when the disk is full", async () => {
    await openReached();
    const { promise, resolve } = Promise.withResolvers<void>();
    log.gate = promise;
    folder.freeBytes = 0;
    const appended = sink.append([block("evt_00000001")]);
    await expect.poll(() => spool.stats().failedAppends, WAIT).toBe(1);
    resolve();
    await appended;
    expect(loggedIds()).toEqual(["evt_00000001"]);
  });

  // A retry must lie where its first copy is, whatever was assumed of the log at the time.
  it("takes events before it ever reached the log, and puts them where they belong", async () => {
    log.isUp = false;
    await open(7);
    expect(sink.partitionCount()).toBe(7);
    const ids = Array.from({ length: 10 }, (_, index) => `evt_${String(index).padStart(8, "0")}`);
    for (const id of ids) await sink.append([block(id, 7)]);
    log.isUp = true;
    await expect.poll(() => spool.stats().records, WAIT).toBe(0);
    const records = log.records.get("clicks") ?? [];
    const found = records.flatMap(({ partition, value }) =>
      value
        .toString()
        .split("\n")
        .map((line) => ({ id: JSON.parse(line).event_id, partition })),
    );
    expect(new Set(found.map(({ id }) => id))).toEqual(new Set(ids));
    for (const { id, partition } of found) expect(partition).toBe(partitionOf(id, PARTITIONS));
  });

  it("leaves what it cannot drain to the next process", async () => {
    await openReached();
    log.isUp = false;
    await sink.append([block("evt_00000001")]);
    await sink.close();
    await logSink.close();
    log.isUp = true;
    await open();
    await expect.poll(loggedIds, WAIT).toEqual(["evt_00000001"]);
  });
});

import { RECORD_BYTES_MAX } from "@trueclick/event-log";
import { quarantineRecordSchema } from "@trueclick/shared/event/quarantined";
import { sourceIdSchema } from "@trueclick/shared/ids";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { QuarantineBudget } from "../domain/quarantineBudget.ts";
import type { Quarantined } from "../ports/quarantine.ts";
import { MemoryEventLog } from "../testing/memoryEventLog.ts";
import { createLogQuarantine, type LogQuarantine } from "./logQuarantine.ts";

const MIB = 1_048_576;
const NOW_MS = Date.UTC(2026, 5, 1, 12);
const GENEROUS = { perSecond: 1, burst: 32 * MIB };

let log: MemoryEventLog;
let quarantine: LogQuarantine;
beforeEach(async () => {
  log = new MemoryEventLog();
  quarantine = createLogQuarantine(log, {
    topic: "quarantine",
    onOpenFailed: () => {},
    budget: new QuarantineBudget(GENEROUS, { perSecond: 1, burst: 64 * MIB }, 1),
    nowMs: () => NOW_MS,
    overflowEveryMs: 20,
  });
  await expect.poll(() => log.created).toHaveLength(1);
});
afterEach(() => quarantine.close());

function item(bytes: Uint8Array, change: Partial<Quarantined> = {}): Quarantined {
  return {
    receivedAtMs: 1,
    sourceId: sourceIdSchema.parse("src_1"),
    code: "bad_json",
    message: "Not JSON.",
    bytes,
    userAgent: null,
    isPrefetch: false,
    ...change,
  };
}

const records = () =>
  (log.records.get("quarantine") ?? []).map(({ value }) => {
    const text = value.toString();
    // What readers are promised.
    quarantineRecordSchema.parse(JSON.parse(text));
    return JSON.parse(text);
  });
const stored = () => records().filter((record) => !("overflow" in record));
const overflow = () => records().filter((record) => "overflow" in record);
const overflowOf = (sourceId: string) =>
  overflow()
    .filter((record) => record.source_id === sourceId)
    .reduce((sum, record) => sum + record.overflow, 0);

describe("the quarantine in the log", () => {
  it("keeps every byte, whatever it is", async () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    expect(await quarantine.keep([item(bytes)])).toBe(1);
    const [kept] = stored();
    expect(Buffer.from(kept.bytes_base64, "base64").equals(bytes)).toBe(true);
    expect(kept).toMatchObject({ received_at: 1, source_id: "src_1", bytes_received: 256 });
  });

  // The log refuses a larger record for ever.
  it("fits the largest body into records that the log takes, and says how long it was", async () => {
    const items = [item(Buffer.alloc(MIB, 1)), item(Buffer.alloc(MIB, 2)), item(Buffer.alloc(8))];
    expect(await quarantine.keep(items)).toBe(3);
    for (const records of log.appends) {
      const bytes = records.reduce((sum, { value }) => sum + value.length, 0);
      expect(bytes).toBeLessThanOrEqual(RECORD_BYTES_MAX);
    }
    expect(stored()[0]).toMatchObject({ bytes_received: MIB });
  });

  it("says that nothing was kept when the log is down, and throws nothing", async () => {
    log.isUp = false;
    expect(await quarantine.keep([item(Buffer.alloc(8))])).toBe(0);
  });

  // A flood of refused events while the log hangs must cost neither memory nor the senders' time.
  it("gives up what is too much at once, and what takes too long", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    log.gate = promise;
    const flood = Array.from({ length: 40 }, () => item(Buffer.alloc(512 * 1_024)));
    expect(await quarantine.keep(flood)).toBe(0);
    resolve();
    // What was on its way arrives after all; what was given up does not.
    await expect.poll(() => stored().length).toBeGreaterThan(0);
    expect(stored().length).toBeLessThan(flood.length);
    expect(await quarantine.keep([item(Buffer.alloc(8))])).toBe(1);
  });

  it("keeps of one source's flood its share, counts the rest, and keeps all of the others'", async () => {
    const other = item(Buffer.alloc(8), { sourceId: sourceIdSchema.parse("src_2") });
    const flood = Array.from({ length: 80 }, () => item(Buffer.alloc(MIB)));
    let kept = 0;
    for (const one of flood) kept += await quarantine.keep([one]);
    expect(kept).toBe(31);
    expect(await quarantine.keep([other])).toBe(1);
    await expect.poll(() => overflowOf("src_1")).toBe(flood.length - kept);
    expect(overflow()[0]).toMatchObject({ received_at: NOW_MS, code: "bad_json" });
    expect(overflowOf("src_2")).toBe(0);
  });

  // A count that got lost would hide that something is missing.
  it("counts what the log did not take, as soon as it takes something again", async () => {
    log.isUp = false;
    expect(await quarantine.keep([item(Buffer.alloc(8)), item(Buffer.alloc(8))])).toBe(0);
    // A few reports fail meanwhile.
    await new Promise((resolve) => setTimeout(resolve, 100));
    log.isUp = true;
    await expect.poll(() => overflowOf("src_1")).toBe(2);
  });
});

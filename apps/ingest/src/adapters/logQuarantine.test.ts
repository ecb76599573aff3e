import { RECORD_BYTES_MAX } from "@trueclick/event-log";
import { sourceIdSchema } from "@trueclick/shared/ids";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Quarantined } from "../ports/quarantine.ts";
import { MemoryEventLog } from "../testing/memoryEventLog.ts";
import { createLogQuarantine, type LogQuarantine } from "./logQuarantine.ts";

const MIB = 1_048_576;

let log: MemoryEventLog;
let quarantine: LogQuarantine;
beforeEach(async () => {
  log = new MemoryEventLog();
  quarantine = createLogQuarantine(log, { topic: "quarantine", onOpenFailed: () => {} });
  await expect.poll(() => log.created).toHaveLength(1);
});
afterEach(() => quarantine.close());

function item(bytes: Uint8Array): Quarantined {
  return {
    receivedAtMs: 1,
    sourceId: sourceIdSchema.parse("src_1"),
    code: "bad_json",
    message: "Not JSON.",
    bytes,
  };
}

const stored = () =>
  (log.records.get("quarantine") ?? []).map(({ value }) => JSON.parse(value.toString()));

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
});

import { blockLines } from "@trueclick/shared/event/block";
import { storedEventSchema } from "@trueclick/shared/event/stored";
import { describe, expect, it } from "vitest";
import {
  correctionDay,
  correctionEvents,
  type HistoryStamps,
  historyRange,
  historyRecords,
} from "./history.ts";
import { DEMO_ADVERTISERS, DEMO_MEMBER_ADVERTISER } from "./organisation.ts";

const NOW_MS = Date.parse("2026-11-05T13:37:00Z");
const MINUTE_MS = 60_000;
const LATENESS_MS = 10 * MINUTE_MS;
const PARTITIONS = 3;

const stamps: HistoryStamps = {
  sourceId: "demo-server",
  region: "local",
  partitionOf: (eventId) => (eventId.at(-1)?.charCodeAt(0) ?? 0) % PARTITIONS,
  sha256Hex: (text) => text,
  ipHash: (ip) => ip,
};
const range = historyRange(NOW_MS);
const records = [...historyRecords(DEMO_ADVERTISERS, range, stamps)];
const events = records.flatMap((record) =>
  blockLines(Buffer.from(record.value)).map((line) => ({
    event: storedEventSchema.parse(JSON.parse(Buffer.from(line).toString())),
    appendTimeMs: record.appendTimeMs,
  })),
);

describe("the demo's past", () => {
  it("begins two months before the current one", () => {
    expect(range.firstDay).toBe("2026-09-01");
  });

  it("is the same at every try, so that a restore that was cut short can go on", () => {
    expect([...historyRecords(DEMO_ADVERTISERS, range, stamps)]).toEqual(records);
  });

  // The log refuses append times that fall; the stream's watermark is made of them.
  it("has append times that rise within each partition, none in the future", () => {
    for (let partition = 0; partition < PARTITIONS; partition += 1) {
      const times = records.filter((r) => r.partition === partition).map((r) => r.appendTimeMs);
      expect(times).toEqual([...times].sort((a, b) => a - b));
      expect(times.length).toBeGreaterThan(100);
    }
    expect(Math.max(...records.map((record) => record.appendTimeMs))).toBeLessThan(NOW_MS);
  });

  // A block has one append time for all its events; too long a block would make early ones late.
  it("makes the stream find only those late that were sent late", () => {
    const isLate = ({ event, appendTimeMs }: (typeof events)[number]) => {
      const windowEndMs = (Math.floor(event.event_time / MINUTE_MS) + 1) * MINUTE_MS;
      return windowEndMs <= appendTimeMs - LATENESS_MS;
    };
    const sentLate = events.filter(({ event }) => event.ingest_time - event.event_time > MINUTE_MS);
    expect(events.filter(isLate)).toEqual(sentLate.filter(isLate));
    expect(sentLate.length / events.length).toBeLessThan(0.02);
  });

  it("has retries with the bytes of the first, soon after it", () => {
    const firsts = new Map<string, (typeof events)[number]["event"]>();
    let retries = 0;
    for (const { event } of events) {
      const first = firsts.get(event.event_id);
      firsts.set(event.event_id, first ?? event);
      if (first === undefined) continue;
      retries += 1;
      expect({ ...event, ingest_time: first.ingest_time }).toEqual(first);
    }
    expect(retries / events.length).toBeGreaterThan(0.01);
  });
});

describe("the demo's correction", () => {
  it.each([
    ["the last day of last month, once it is closed", "2026-11-23T12:00:00Z", "2026-10-31"],
    ["a day of last month too while its last ones settle", "2026-11-03T12:00:00Z", "2026-10-22"],
  ])("is of %s", (_guarantee, now, day) => {
    expect(correctionDay(Date.parse(now), "Europe/Berlin")).toBe(day);
  });

  // The edge refuses older ones.
  it("is never of a day more than 34 days ago", () => {
    for (let day = 0; day < 400; day += 1) {
      const nowMs = NOW_MS + day * 24 * 60 * MINUTE_MS;
      const correctedMs = Date.parse(correctionDay(nowMs, "Europe/Berlin"));
      expect(nowMs - correctedMs).toBeLessThan(34 * 24 * 60 * MINUTE_MS);
      expect(nowMs - correctedMs).toBeGreaterThan(4 * 24 * 60 * MINUTE_MS);
    }
  });

  it("has clicks that are the same at every try", () => {
    const late = () => correctionEvents(DEMO_MEMBER_ADVERTISER, "2026-10-25", 40);
    expect(late()).toEqual(late());
    expect(late().filter(({ event_type }) => event_type === "click").length).toBeGreaterThan(10);
    // No conversion of a later day may be credited to them: that would correct its day too.
    for (const { event } of late()) expect(JSON.parse(event)).not.toHaveProperty("user_id");
  });
});

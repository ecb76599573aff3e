import type { EncoderRecord } from "@trueclick/archive/domain/encoderStretch";
import { ManifestAudit } from "@trueclick/archive/domain/manifestAudit";
import { block, NOON_MS, storedEvent } from "@trueclick/archive/testing/storedEvents";
import { HOUR_MS } from "@trueclick/shared/time";
import fc from "fast-check";
import { expect, it } from "vitest";
import { StretchCollector, type StretchLimits } from "./stretch.ts";

/** A partition as a log may hold it: gaps between offsets, lines that are no events, empty blocks. */
const partitionLog = fc
  .array(
    fc.record({
      gap: fc.nat({ max: 3 }),
      lines: fc.array(fc.oneof(fc.nat({ max: 40 * 60 }), fc.constant("no json")), { maxLength: 4 }),
    }),
    { maxLength: 30 },
  )
  .map((blocks) => {
    let offset = -1n;
    return blocks.map(({ gap, lines }, serial): EncoderRecord => {
      offset += BigInt(gap) + 1n;
      const values = lines.map((line, index) =>
        typeof line === "string"
          ? line
          : storedEvent({
              event_id: `evt-${serial}-${index}-${"x".repeat(8)}`,
              event_time: NOON_MS - line * 60_000,
            }),
      );
      return { offset, appendTimeMs: NOON_MS, value: block(values) };
    });
  });

const limits = fc.record({
  eventsMax: fc.integer({ min: 1, max: 20 }),
  bytesMax: fc.integer({ min: 1, max: 5_000 }),
  hoursMax: fc.integer({ min: 1, max: 3 }),
});

function stretchesOf(log: readonly EncoderRecord[], size: StretchLimits) {
  const collector = new StretchCollector(0, 0n, size);
  const stretches = log.flatMap((record) => {
    collector.add(record);
    return collector.isFull ? [collector.take()] : [];
  });
  return [...stretches, collector.take()].filter((stretch) => stretch !== null);
}

// Every offset must be archived once and only once, wherever stretches are cut: a gap is an event
// that is never billed, an overlap one that is read twice.
it("cuts any log into stretches without gap or overlap that hold every record once", () => {
  fc.assert(
    fc.property(partitionLog, limits, (log, size) => {
      const stretches = stretchesOf(log, size);
      const audit = new ManifestAudit();
      const problems = stretches.flatMap((stretch) =>
        audit.add({ ...stretch, events: 0n, rows: 0n }),
      );
      expect(problems).toEqual([]);
      expect(stretches.flatMap(({ records }) => records)).toEqual(log);
    }),
  );
});

it("ends a stretch that spans as many hours as it may, however few events they hold", () => {
  const size = { eventsMax: 100, bytesMax: 100_000, hoursMax: 2 };
  const value = new TextEncoder().encode("{}");
  const log = [0, 1, 2, 3, 4].map((hour) => ({
    offset: BigInt(hour),
    appendTimeMs: NOON_MS + hour * HOUR_MS,
    value,
  }));
  expect(stretchesOf(log, size).map(({ events }) => events)).toEqual([2, 2, 1]);
});

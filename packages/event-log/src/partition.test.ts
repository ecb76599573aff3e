import fc from "fast-check";
import { expect, it } from "vitest";
import { partitionOf, partitionOfBytes } from "./partition.ts";

// Dedupe looks only into the partition of the first copy, so these may never change.
it("puts known ids where they have always been", () => {
  expect(["123456789", "evt_00000001", "click-é"].map((id) => partitionOf(id, 16))).toEqual([
    // crc32("123456789") is 0xcbf43926 in every implementation.
    6, 14, 15,
  ]);
});

it("names a partition that exists, the same for every copy", () => {
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: 1, max: 1_024 }), (eventId, partitionCount) => {
      const partition = partitionOf(eventId, partitionCount);
      expect(partition).toBe(partitionOf(eventId, partitionCount));
      expect(Number.isInteger(partition) && partition >= 0).toBe(true);
      expect(partition).toBeLessThan(partitionCount);
    }),
  );
});

it("spreads ids evenly", () => {
  const counts = new Array<number>(16).fill(0);
  for (let index = 0; index < 16_000; index += 1) {
    const partition = partitionOf(`evt_${index}`, 16);
    counts[partition] = (counts[partition] ?? 0) + 1;
  }
  expect(Math.min(...counts)).toBeGreaterThan(850);
  expect(Math.max(...counts)).toBeLessThan(1_150);
});

it("is the same for an id that stands in bytes", () => {
  fc.assert(
    fc.property(
      fc.string(),
      fc.nat({ max: 7 }),
      fc.integer({ min: 1, max: 64 }),
      (id, at, count) => {
        const bytes = Buffer.concat([Buffer.alloc(at, 1), Buffer.from(id), Buffer.from("more")]);
        const range = { start: at, end: bytes.length - 4 };
        expect(partitionOfBytes(bytes, range, count)).toBe(partitionOf(id, count));
      },
    ),
  );
});

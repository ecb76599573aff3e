import fc from "fast-check";
import { expect, it } from "vitest";
import { BlockPool } from "./blockPool.ts";
import type { LogRecord } from "./port.ts";

/** A buffer with some records in it, end to end, and the byte that each is filled with. */
function lendBlocks(pool: BlockPool, bytes: number, fills: readonly number[]) {
  const buffer = pool.take(bytes * fills.length);
  return fills.map((fill, at) => {
    const value = buffer.subarray(at * bytes, (at + 1) * bytes).fill(fill);
    const record: LogRecord = { partition: 0, offset: 0n, appendTimeMs: 0, value };
    pool.hold(record);
    return { record, fill };
  });
}

const sizes = fc.oneof(fc.nat(300), fc.nat(300_000), fc.constantFrom(4_096, 262_144, 524_288));
/** Buffers are taken, and records come back in any order, some twice. */
const steps = fc.array(
  fc.oneof(
    fc.record({ bytes: sizes, records: fc.integer({ min: 1, max: 3 }) }),
    fc.record({ back: fc.nat() }),
  ),
  { maxLength: 60 },
);

// A record that is overwritten while somebody reads it is events lost and others counted twice.
it("never lends bytes that a record which is out lies in", () => {
  fc.assert(
    fc.property(steps, (all) => {
      const pool = new BlockPool();
      const lent: ReturnType<typeof lendBlocks> = [];
      const back = new Set<LogRecord>();
      let fill = 0;
      for (const step of all) {
        if ("back" in step) {
          const returned = lent[step.back % Math.max(lent.length, 1)];
          if (returned === undefined) continue;
          pool.release(returned.record);
          back.add(returned.record);
        } else {
          const fills = Array.from({ length: step.records }, () => (fill = (fill + 1) % 256));
          lent.push(...lendBlocks(pool, step.bytes, fills));
        }
        for (const { record, fill: own } of lent) {
          if (!back.has(record)) expect(record.value.every((byte) => byte === own)).toBe(true);
        }
      }
    }),
    { numRuns: 60 },
  );
});

it("uses a buffer again once all of its records came back", () => {
  const pool = new BlockPool();
  const lent = lendBlocks(pool, 20_000, [1, 2]);
  const [first, second] = lent.map(({ record }) => record);
  if (first === undefined || second === undefined) throw new Error("Two records were lent");
  pool.release(first);
  expect(pool.take(40_000).buffer).not.toBe(first.value.buffer);
  pool.release(second);
  const again = pool.take(35_000);
  expect(again.buffer).toBe(first.value.buffer);
  expect(again).toHaveLength(35_000);
  expect(pool.take(35_000).buffer).not.toBe(again.buffer);
});

// A burst must not be kept for as long as the process lives.
it("keeps no more than its bound of what came back", () => {
  const pool = new BlockPool();
  const lent = Array.from({ length: 64 }, () => lendBlocks(pool, 524_288, [1])).flat();
  for (const { record } of lent) pool.release(record);
  const buffers = new Set(lent.map(({ record }) => record.value.buffer));
  const again = Array.from({ length: 64 }, () => pool.take(524_288).buffer);
  expect(again.filter((buffer) => buffers.has(buffer))).toHaveLength(32);
});

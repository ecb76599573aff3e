import { expect, it } from "vitest";
import { ReusedBuffers } from "./reusedBuffers.ts";

it("gives room for every length, and the same room again once it was given back", () => {
  const buffers = new ReusedBuffers(8);
  for (const length of [1, 65_536, 65_537, 131_072, 700_000, 1_048_576]) {
    const body = buffers.take(length);
    expect(body.length).toBe(length);
    expect(body.buffer.byteLength).toBeLessThan(Math.max(65_537, 2 * length));
    expect(buffers.take(length).buffer).not.toBe(body.buffer);
    buffers.giveBack(body);
    expect(buffers.take(length).buffer).toBe(body.buffer);
  }
});

it("keeps a bounded number of them", () => {
  const buffers = new ReusedBuffers(8);
  const taken = Array.from({ length: 20 }, () => buffers.take(100_000));
  for (const body of taken) buffers.giveBack(body);
  const again = Array.from({ length: 20 }, () => buffers.take(100_000).buffer);
  const known = new Set(taken.map(({ buffer }) => buffer));
  expect(again.filter((memory) => known.has(memory))).toHaveLength(8);
});

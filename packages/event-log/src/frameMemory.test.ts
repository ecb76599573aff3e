import { expect, it } from "vitest";
import { FrameMemory, FreeSlabs } from "./frameMemory.ts";

const SLAB = 65_536;
const MUCH = 1_000_000;

it("lays frames side by side, none over another, and takes the same memory again when it is given back", () => {
  const free = new FreeSlabs();
  const memory = new FrameMemory(free, MUCH);
  const lengths = [1_000, 20_000, SLAB - 21_000, 1, SLAB, SLAB + 1, 30_000];
  const frames = lengths.map((length, at) => memory.take(length).fill(at));
  expect(frames.map(({ length }) => length)).toEqual(lengths);
  for (const [at, frame] of frames.entries()) {
    expect(frame.equals(Buffer.alloc(frame.length, at))).toBe(true);
  }
  expect(frames[1]?.buffer).toBe(frames[0]?.buffer);

  const other = new FrameMemory(free, MUCH).take(10);
  const used = new Set(frames.map(({ buffer }) => buffer));
  expect(used.has(other.buffer)).toBe(false);
  memory.giveBack();
  expect(used.has(new FrameMemory(free, MUCH).take(10).buffer)).toBe(true);
});

// One that appends single events by the thousand would else hold a slab for each.
it("takes no slab for an append that is smaller than one", () => {
  const free = new FreeSlabs();
  const memory = new FrameMemory(free, 2_000);
  const { buffer } = memory.take(1_000);
  memory.giveBack();
  expect(free.take().buffer).not.toBe(buffer);
});

it("keeps a bounded number of slabs", () => {
  const free = new FreeSlabs();
  const slabs = Array.from({ length: 100 }, () => free.take());
  free.giveBack(slabs);
  free.giveBack(slabs.slice(0, 1));
  const known = new Set(slabs);
  const again = Array.from({ length: 100 }, () => free.take());
  expect(again.filter((slab) => known.has(slab))).toHaveLength(64);
});

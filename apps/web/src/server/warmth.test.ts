import { expect, it } from "vitest";
import { Warmth } from "./warmth.ts";

function atTime() {
  const clock = { ms: 1_000 };
  return { clock, warmth: new Warmth(500, () => clock.ms) };
}

it("is over once somebody says so", () => {
  const { clock, warmth } = atTime();
  expect([warmth.isOver(), warmth.leftMs()]).toEqual([false, 500]);
  clock.ms += 200;
  expect([warmth.isOver(), warmth.leftMs()]).toEqual([false, 300]);
  warmth.end();
  expect([warmth.isOver(), warmth.leftMs()]).toEqual([true, 0]);
});

// What never began, or hangs, must not keep a process from being used.
it("is over after a while in any case", () => {
  const { clock, warmth } = atTime();
  clock.ms += 499;
  expect(warmth.isOver()).toBe(false);
  clock.ms += 1;
  expect(warmth.isOver()).toBe(true);
  clock.ms += 10_000;
  expect(warmth.leftMs()).toBe(0);
});

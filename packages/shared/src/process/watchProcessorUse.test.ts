import { expect, it } from "vitest";
import { watchProcessorUse } from "./watchProcessorUse.ts";

it("notes what was used since the last note, and what could not be noted with the next", async () => {
  const stop = new AbortController();
  const used = [10, 25, 45, 50];
  const noted: number[] = [];
  let faults = 0;
  await watchProcessorUse(
    {
      intervalMs: 1,
      usedMs: () => used.shift() ?? 50,
      note: async (ms) => {
        noted.push(ms);
        if (noted.length === 2) throw new Error("the store is away");
        if (used.length === 0) stop.abort();
      },
      onFault: () => {
        faults += 1;
      },
    },
    stop.signal,
  );
  expect(noted).toEqual([10, 15, 35, 5]);
  expect(faults).toBe(1);
});

it("ends at once when it is stopped", async () => {
  const stop = new AbortController();
  const noted: number[] = [];
  const note = async (ms: number) => void noted.push(ms);
  const watch = { intervalMs: 3_600_000, usedMs: () => 7, note, onFault: () => {} };
  const watching = watchProcessorUse(watch, stop.signal);
  stop.abort();
  await watching;
  expect(noted).toEqual([]);
});

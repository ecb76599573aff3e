import { MINUTE_MS, SECOND_MS } from "@trueclick/shared/time";
import { describe, expect, it } from "vitest";
import { LATENESS_MAX_MS, type Observation, PressureGovernor } from "./governor.ts";

const BASE_MS = 10 * MINUTE_MS;

/** A governor that is asked every second, and what it said with the second in which it did. */
function governed(seconds: number, seenAt: (second: number) => Partial<Observation>) {
  const governor = new PressureGovernor(BASE_MS, { level: 0, allowedLatenessMs: BASE_MS });
  const easy = { caughtUp: true, flushMs: 10, events: 0, rescuable: 0 };
  return Array.from({ length: seconds }, (_none, second) => {
    const said = governor.decide({ ...easy, nowMs: second * SECOND_MS, ...seenAt(second) });
    return said === null ? [] : [[second, said.level, said.allowedLatenessMs / MINUTE_MS]];
  }).flat();
}

describe("levels", () => {
  it.each<[string, Partial<Observation>]>([
    ["behind the log", { caughtUp: false }],
    ["slow to write", { flushMs: 2_001 }],
  ])("go up one by one, and no further than 3, while the stream is %s", (_how, seen) => {
    expect(governed(1_000, () => seen)).toEqual([
      [30, 1, 10],
      [90, 2, 10],
      [210, 3, 10],
    ]);
  });

  it("go down one by one, later than they went up, once all is easy", () => {
    expect(governed(500, (second) => ({ caughtUp: second > 100 }))).toEqual([
      [30, 1, 10],
      [90, 2, 10],
      [191, 1, 10],
      [281, 0, 10],
    ]);
  });

  it("stay where they are while the pressure comes and goes", () => {
    expect(governed(1_000, (second) => ({ caughtUp: second % 25 !== 0 }))).toEqual([]);
  });
});

describe("the allowed lateness", () => {
  it("grows while many come late, up to its limit, and shrinks to where it was", () => {
    const late = (second: number) => ({ events: 5_000, rescuable: second < 5 ? 500 : 0 });
    expect(governed(20, late).map(([, , minutes]) => minutes)).toEqual([20, 40, 60, 30, 15, 10]);
    expect(LATENESS_MAX_MS).toBe(60 * MINUTE_MS);
  });

  it("does not change for a few events, however late", () => {
    expect(governed(100, () => ({ events: 40, rescuable: 40 }))).toEqual([]);
  });
});

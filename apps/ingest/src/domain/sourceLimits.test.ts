import { sourceIdSchema } from "@trueclick/shared/ids";
import { describe, expect, it } from "vitest";
import { LogHealth, SourceLimits } from "./sourceLimits.ts";

const [one, other] = ["src_1", "src_2"].map((id) => ({ id: sourceIdSchema.parse(id) }));
if (one === undefined || other === undefined) throw new RangeError("There are two sources");
const GOOD = { isOk: true, durationMs: 5 };

describe("limits of sources", () => {
  it("are one source's own", () => {
    const limits = new SourceLimits({ perSecond: 10, burst: 10 }, new LogHealth());
    expect(limits.take(one, 10, 0)).toBe(0);
    expect(limits.take(one, 1, 0)).toBe(100);
    expect(limits.take(other, 10, 0)).toBe(0);
  });

  it("are what a source's record says, from the moment it says so", () => {
    const limits = new SourceLimits({ perSecond: 10, burst: 10 }, new LogHealth());
    expect(limits.take({ ...one, eventsPerSecond: 50 }, 100, 0)).toBe(0);
    expect(limits.take({ ...one, eventsPerSecond: 50 }, 1, 0)).toBe(20);
    expect(limits.take({ ...one, eventsPerSecond: 1 }, 2, 0)).toBe(0);
    expect(limits.take({ ...one, eventsPerSecond: 1 }, 1, 0)).toBe(1_000);
  });

  it("are tighter while the log is unwell, and as they were when it is well again", () => {
    const health = new LogHealth();
    const limits = new SourceLimits({ perSecond: 100, burst: 100 }, health);
    for (let second = 0; second < 60; second += 1) {
      health.observe({ isOk: false, durationMs: 5 }, second * 1_000);
    }
    expect(health.factor).toBeCloseTo(0.1);
    expect(limits.take(one, 10, 60_000)).toBe(0);
    expect(limits.take(one, 1, 60_000)).toBe(100);
    for (let second = 60; second < 120; second += 1) health.observe(GOOD, second * 1_000);
    expect(health.factor).toBe(1);
    expect(limits.take(one, 100, 120_000)).toBe(0);
  });

  it("count one stall once, and a slow append as one that failed", () => {
    const health = new LogHealth();
    for (let append = 0; append < 100; append += 1) {
      health.observe({ isOk: true, durationMs: 5_000 }, append);
    }
    expect(health.factor).toBeCloseTo(0.7);
  });
});

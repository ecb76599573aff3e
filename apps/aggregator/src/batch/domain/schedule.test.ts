import { dayBounds, type IsoDay } from "@trueclick/shared/calendar";
import { HOUR_MS, MINUTE_MS } from "@trueclick/shared/time";
import { describe, expect, it } from "vitest";
import { COUNT_DELAY_MS, isDue } from "./schedule.ts";

/** When a day that changes all the time is counted within some time, looking each minute. */
function countsOf(day: IsoDay, timeZone: string, fromMs: number, toMs: number): number[] {
  const bounds = dayBounds(day, timeZone);
  const counts: number[] = [];
  for (let nowMs = fromMs; nowMs < toMs; nowMs += MINUTE_MS) {
    if (isDue(bounds, counts.at(-1) ?? fromMs, nowMs)) counts.push(nowMs);
  }
  return counts;
}

describe("a day that keeps changing", () => {
  // I12. The hours of a day are as many as the zone's history gives it.
  it.each([
    ["America/New_York", "2026-11-01", 25],
    ["Europe/Berlin", "2026-03-29", 23],
    ["UTC", "2026-03-10", 24],
  ])("is counted once an hour in %s on %s", (timeZone, day, hours) => {
    const { fromMs, toMs } = dayBounds(day, timeZone);
    const counts = countsOf(day, timeZone, fromMs, toMs + COUNT_DELAY_MS + 1);
    // The first mark is the start itself, whose events came before; the last is the end.
    expect(counts).toHaveLength(hours + 1);
    expect(counts.at(-1)).toBe(toMs + COUNT_DELAY_MS);
  });

  // A bill that waits for the next full hour of UTC is up to 45 minutes late, every day.
  it.each([
    ["Asia/Kathmandu", "2026-03-10"],
    ["Pacific/Chatham", "2026-04-05"],
    ["Asia/Kolkata", "2026-03-10"],
  ])("is counted at its end in %s, between two full hours", (timeZone, day) => {
    const { toMs } = dayBounds(day, timeZone);
    expect(toMs % HOUR_MS).not.toBe(0);
    const counts = countsOf(day, timeZone, toMs - HOUR_MS, toMs + HOUR_MS);
    expect(counts).toContain(toMs + COUNT_DELAY_MS);
    expect(counts).toHaveLength(3);
  });
});

it("leaves a day alone between two marks, however often it changes", () => {
  const { fromMs, toMs } = dayBounds("2026-03-10", "UTC");
  const lookedAtMs = fromMs + 5 * HOUR_MS + COUNT_DELAY_MS;
  expect(isDue({ fromMs, toMs }, lookedAtMs, lookedAtMs + 59 * MINUTE_MS)).toBe(false);
  expect(isDue({ fromMs, toMs }, lookedAtMs, lookedAtMs + HOUR_MS)).toBe(true);
});

it("catches up at once after the marks that nobody was there to see", () => {
  const bounds = dayBounds("2026-03-10", "UTC");
  expect(isDue(bounds, bounds.fromMs, bounds.toMs + 3.5 * HOUR_MS)).toBe(true);
});

import { HOUR_MS, MINUTE_MS, SECOND_MS } from "@trueclick/shared/time";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hotPartsOf } from "./hotParts.ts";
import { type Extent, extentsOf, settledHours, userRangesOf } from "./hotSettled.ts";
import type { ReportQuery } from "./reportQuery.ts";

const nowMs = Date.parse("2026-06-15T12:34:00Z");
const hourMs = Date.parse("2026-06-15T12:00:00Z");
const query: ReportQuery = {
  scope: { kind: "all" },
  mode: "dashboard",
  fromMs: hourMs - 24 * HOUR_MS,
  toMs: nowMs,
  granularity: "hour",
  dimensions: [],
  timeZone: "UTC",
  filters: {},
};

const state = { degradedMs: null, dirtyMs: null, markedMs: null, healed: "abc" };

describe("settled hours", () => {
  it("are those that are rolled up, as far as none is to be counted again", () => {
    const settled = {
      beforeMs: hourMs,
      asOf: [hourMs, "abc"],
      correctedMs: -Infinity,
      restAsOf: null,
      open: { fromMs: hourMs, written: null },
    };
    expect(settledHours(hourMs, state)).toEqual(settled);
    const dirtyMs = hourMs - 5 * HOUR_MS;
    expect(settledHours(hourMs, { ...state, dirtyMs }).beforeMs).toBe(dirtyMs);
    expect(settledHours(hourMs, { ...state, dirtyMs: nowMs }).beforeMs).toBe(hourMs);
    expect(settledHours(null, state).beforeMs).toBe(0);
    // The others are as they were while nobody writes, neither the stream nor a backfill.
    expect(settledHours(hourMs, state, "7").restAsOf).toEqual([hourMs, "abc", "7"]);
    expect(settledHours(hourMs, { ...state, dirtyMs }, "7").restAsOf).toBeNull();
    expect(settledHours(hourMs, null).beforeMs).toBe(0);
  });

  it("are followed by open ones, which are in no known state while somebody may be writing", () => {
    expect(settledHours(hourMs, state, "7").open).toEqual({ fromMs: hourMs, written: "7" });
    const open = { fromMs: hourMs, written: null };
    expect(settledHours(hourMs, { ...state, dirtyMs: nowMs }, "7").open).toEqual(open);
    expect(settledHours(null, state, "7").open).toBeNull();
    expect(settledHours(hourMs, null, "7").open).toBeNull();
  });
});

const minutesBack = (max: number) =>
  fc.integer({ min: 0, max }).map((minutes) => nowMs - minutes * MINUTE_MS);
const cases = fc.record({
  fromMs: minutesBack(70 * 60),
  lengthMs: fc.integer({ min: 1, max: 70 * 60 }).map((minutes) => minutes * MINUTE_MS),
  hoursBack: fc.integer({ min: 0, max: 80 }),
  dirtyBack: fc.option(fc.integer({ min: 0, max: 80 })),
});

/** The minutes whose evidence an extent holds, epoch seconds. */
function minutesOf(extent: Extent | null): number[] {
  if (extent === null) return [];
  const { from, to, spared_from, spared_to } = extent;
  const minutes = Array.from(
    { length: Math.ceil((to - from) / 60) },
    (_none, at) => from + at * 60,
  );
  return minutes.filter((t) => t < spared_from || t >= spared_to);
}

/** How much time its cells are of. */
function lengthOf(extent: Extent | null): number {
  const parts = extent === null ? [] : [extent.parts.hours, ...extent.parts.minutes];
  return parts.reduce((sum, part) => sum + (part === null ? 0 : part.toMs - part.fromMs), 0);
}

describe("a part and the rest", () => {
  it("hold every cell and each second of evidence once, and settled hours alone", () => {
    fc.assert(
      fc.property(cases, ({ fromMs, lengthMs, hoursBack, dirtyBack }) => {
        const toMs = fromMs + lengthMs;
        const rolledThroughMs = hourMs - hoursBack * HOUR_MS;
        const parts = hotPartsOf({ fromMs, toMs, nowMs, granularity: "hour", rolledThroughMs });
        const dirtyMs = dirtyBack === null ? null : hourMs - dirtyBack * HOUR_MS;
        const hours = settledHours(rolledThroughMs, { ...state, dirtyMs });
        const { beforeMs } = hours;
        const stepMs = parts.hours?.fromMs === fromMs ? HOUR_MS : MINUTE_MS;
        const from = (Math.floor(fromMs / stepMs) * stepMs) / SECOND_MS;
        const counted = { from, to: toMs / SECOND_MS };
        const { all, settled, rest } = extentsOf(parts, counted, hours);
        const both = [...minutesOf(settled), ...minutesOf(rest)];
        expect(both.toSorted((a, b) => a - b)).toEqual(minutesOf(all));
        expect(lengthOf(settled) + lengthOf(rest)).toBe(lengthOf(all));
        expect(Math.max(0, ...minutesOf(settled))).toBeLessThan(Math.max(1, beforeMs / SECOND_MS));
        expect(settled?.parts.hours?.toMs ?? 0).toBeLessThanOrEqual(beforeMs);
        expect(settled?.parts.minutes ?? []).toEqual([]);
      }),
    );
  });

  it("never share a bucket whose users are united", () => {
    const granularity = fc.constantFrom("total" as const, "hour" as const, "day" as const);
    fc.assert(
      fc.property(cases, granularity, ({ fromMs, lengthMs, hoursBack }, asked) => {
        const range = { fromMs, toMs: fromMs + lengthMs };
        const hours = settledHours(hourMs - hoursBack * HOUR_MS, state);
        const asking = { ...query, ...range, granularity: asked };
        const { settled, rest } = userRangesOf(asking, range, hours);
        expect(settled?.fromMs ?? rest?.fromMs).toBe(fromMs);
        expect(rest?.toMs ?? settled?.toMs).toBe(range.toMs);
        if (settled === null) return;
        expect(settled.toMs).toBeLessThanOrEqual(hours.beforeMs);
        if (rest === null) return;
        expect(rest.fromMs).toBe(settled.toMs);
        expect(asked).not.toBe("total");
        expect(rest.fromMs % (asked === "day" ? 24 * HOUR_MS : HOUR_MS)).toBe(0);
      }),
    );
  });
});

import { HOUR_MS, MINUTE_MS } from "@trueclick/shared/time";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HOT_MINUTES_COVERAGE_MS, type HotFacts, hotPartsOf } from "./hotParts.ts";

const nowMs = Date.parse("2026-06-15T12:34:00Z");
const hourMs = Date.parse("2026-06-15T12:00:00Z");
const base: HotFacts = {
  fromMs: hourMs - 10 * HOUR_MS,
  toMs: nowMs,
  nowMs,
  granularity: "hour",
  rolledThroughMs: hourMs - HOUR_MS,
};

describe("hotPartsOf", () => {
  it("takes hours as far as they are rolled up, and minutes from there on", () => {
    const parts = hotPartsOf(base);
    expect(parts.hours).toEqual({ fromMs: base.fromMs, toMs: hourMs - HOUR_MS });
    expect(parts.minutes).toEqual([{ fromMs: hourMs - HOUR_MS, toMs: nowMs }]);
  });

  it.each(["minute" as const, "total" as const])(
    "takes minutes where only they answer: %s",
    (g) => {
      const asked = g === "minute" ? { granularity: g } : { granularity: g, rolledThroughMs: null };
      const parts = hotPartsOf({ ...base, ...asked });
      expect(parts).toEqual({ hours: null, minutes: [{ fromMs: base.fromMs, toMs: nowMs }] });
    },
  );

  // An account's day in a zone of three quarters starts within an hour, and must not hold it whole.
  it("counts the hours that a recent range cuts by their minutes", () => {
    const fromMs = base.fromMs + 15 * MINUTE_MS;
    const toMs = base.fromMs + 5 * HOUR_MS + 45 * MINUTE_MS;
    const parts = hotPartsOf({ ...base, fromMs, toMs });
    const [startMs, endMs] = [base.fromMs + HOUR_MS, base.fromMs + 5 * HOUR_MS];
    expect(parts.hours).toEqual({ fromMs: startMs, toMs: endMs });
    expect(parts.minutes).toEqual([
      { fromMs, toMs: startMs },
      { fromMs: endMs, toMs },
    ]);
  });

  it("never asks minutes for what they no longer hold", () => {
    const fromMs = nowMs - 30 * 24 * HOUR_MS;
    const parts = hotPartsOf({ ...base, fromMs, toMs: fromMs + 90 * MINUTE_MS });
    expect(parts).toEqual({ hours: { fromMs, toMs: fromMs + 90 * MINUTE_MS }, minutes: [] });
  });

  it("takes whole an hour whose end is kept by minutes and whose start is not", () => {
    const keptMs = nowMs - HOT_MINUTES_COVERAGE_MS;
    const [fromMs, toMs] = [keptMs - 35 * MINUTE_MS, keptMs + 25 * MINUTE_MS];
    const parts = hotPartsOf({ ...base, fromMs, toMs });
    expect(parts).toEqual({ hours: { fromMs, toMs }, minutes: [] });
  });

  it("covers every range once, without a gap", () => {
    const minute = fc.integer({ min: -60 * 60, max: 60 }).map((at) => nowMs + at * MINUTE_MS);
    const granularity = fc.constantFrom("total" as const, "hour" as const, "day" as const);
    fc.assert(
      fc.property(minute, minute, minute, granularity, (a, b, rolled, g) => {
        const [fromMs, toMs] = [Math.min(a, b), Math.max(a, b) + MINUTE_MS];
        const rolledThroughMs = Math.floor(rolled / HOUR_MS) * HOUR_MS;
        const { hours, minutes } = hotPartsOf({
          ...base,
          fromMs,
          toMs,
          rolledThroughMs,
          granularity: g,
        });
        const parts = [...minutes, ...(hours === null ? [] : [hours])];
        parts.sort((x, y) => x.fromMs - y.fromMs);
        let atMs = fromMs;
        for (const part of parts) {
          expect(part.fromMs).toBe(atMs);
          atMs = part.toMs;
        }
        expect(atMs).toBe(toMs);
        expect(hours === null || hours.toMs <= rolledThroughMs).toBe(true);
        const keptMs = nowMs - HOT_MINUTES_COVERAGE_MS;
        const tooOld = minutes.filter(
          (part) => part.fromMs < keptMs && part.toMs <= rolledThroughMs,
        );
        expect(hours === null ? [] : tooOld).toEqual([]);
      }),
    );
  });
});

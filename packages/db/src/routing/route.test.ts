import { DAY_MS, HOUR_MS } from "@trueclick/shared/time";
import { describe, expect, it } from "vitest";
import { ReportQueryError, type RouteFacts, routeReport } from "./route.ts";

const nowMs = Date.parse("2026-06-15T12:34:00Z");
const hourMs = Date.parse("2026-06-15T12:00:00Z");
const base: RouteFacts = {
  mode: "dashboard",
  fromMs: nowMs - DAY_MS,
  toMs: nowMs,
  nowMs,
  granularity: "hour",
  detailDimensions: 0,
  hotFromMs: nowMs - 60 * DAY_MS,
  rolledThroughMs: null,
  truthBefore: () => true,
};

describe("routeReport", () => {
  it("answers a recent dashboard from the hot store", () => {
    const route = routeReport(base);
    expect(route).toMatchObject({ store: "hot_minutes", truth: null });
    expect(route.hot).toMatchObject({ fromMs: base.fromMs, toMs: base.toMs });
  });

  // A stream's estimate on a bill is a refund later.
  it.each([0, 1, 3])("answers billing from truth alone, with %s dimensions", (detailDimensions) => {
    const route = routeReport({ ...base, mode: "billing", detailDimensions });
    expect(route).toMatchObject({ store: "truth", hot: null });
  });

  it("answers two dimensions beside the campaign from truth, and says why", () => {
    const route = routeReport({ ...base, detailDimensions: 2 });
    expect(route.store).toBe("truth");
    expect(route.reason).toContain("one dimension");
  });

  it("splits a range older than the promise of the hot store at a whole hour", () => {
    const route = routeReport({ ...base, fromMs: nowMs - 60 * DAY_MS });
    const borderMs = hourMs + HOUR_MS - 35 * DAY_MS;
    expect(route.store).toBe("truth+hot_minutes");
    expect(route.truth).toEqual({ fromMs: nowMs - 60 * DAY_MS, toMs: borderMs });
    expect(route.hot).toMatchObject({ fromMs: borderMs, toMs: nowMs });
  });

  it("splits where the hot store begins when that is later", () => {
    const route = routeReport({ ...base, hotFromMs: nowMs - 2 * HOUR_MS });
    expect(route.hot?.fromMs).toBe(hourMs - 2 * HOUR_MS);
    expect(route.truth?.toMs).toBe(hourMs - 2 * HOUR_MS);
  });

  it("leaves the hot store alone for a range that ends before it", () => {
    const route = routeReport({ ...base, fromMs: nowMs - 50 * DAY_MS, toMs: nowMs - 40 * DAY_MS });
    expect(route).toMatchObject({ store: "truth", hot: null });
  });

  it("reads the hot store where truth has nothing older to give", () => {
    const facts = { ...base, hotFromMs: nowMs - HOUR_MS, truthBefore: () => false };
    expect(routeReport(facts)).toMatchObject({ store: "hot_minutes", truth: null });
    expect(routeReport({ ...facts, hotFromMs: null })).toMatchObject({ store: "hot_minutes" });
  });

  it("reads truth alone while the hot store is empty", () => {
    expect(routeReport({ ...base, hotFromMs: null })).toMatchObject({ store: "truth", hot: null });
  });

  it("refuses minutes of truth and names the parameter", () => {
    const minutes = { ...base, granularity: "minute" as const };
    for (const facts of [
      { ...minutes, mode: "billing" as const },
      { ...minutes, detailDimensions: 2 },
    ]) {
      expect(() => routeReport(facts)).toThrow(ReportQueryError);
      expect(() => routeReport(facts)).toThrow(
        expect.objectContaining({ parameter: "granularity" }),
      );
    }
    expect(routeReport({ ...minutes, fromMs: 0 }).store).toBe("hot_minutes");
  });
});

/** The one decision of DESIGN §11: which store answers which part of a report, and why. Pure. */
import { DAY_MS, HOUR_MS } from "@trueclick/shared/time";
import type { Granularity } from "./buckets.ts";
import { type HotParts, hotPartsOf } from "./hotParts.ts";

/** The span that hot hours are promised for; the table keeps them a day longer. */
export const HOT_COVERAGE_MS = 35 * DAY_MS;

export type ReportMode = "dashboard" | "billing";

export interface RouteFacts {
  readonly mode: ReportMode;
  /** Inclusive, epoch milliseconds. */
  readonly fromMs: number;
  /** Exclusive, epoch milliseconds. */
  readonly toMs: number;
  readonly nowMs: number;
  readonly granularity: Granularity;
  /** Dimensions asked for or filtered by, other than campaign and advertiser. */
  readonly detailDimensions: number;
  /** Every hour of the hot store before it is rolled up, epoch milliseconds; null: none is. */
  readonly rolledThroughMs: number | null;
  /** The oldest hot minute or hour of the tenant, epoch milliseconds; null while there is none. */
  readonly hotFromMs: number | null;
  /** Whether truth holds any billing day of the range that starts before an instant. */
  readonly truthBefore: (instantMs: number) => boolean;
}

interface RoutePart {
  readonly fromMs: number;
  readonly toMs: number;
}

/** A range, and what of the hot store it is read from. */
export interface HotRange extends RoutePart {
  readonly parts: HotParts;
}

/** Every store of an answer. */
export const STORES = [
  "hot_minutes",
  "hot_hours",
  "hot_hours+hot_minutes",
  "truth",
  "truth+hot_minutes",
  "truth+hot_hours",
  "truth+hot_hours+hot_minutes",
] as const;

export interface Route {
  readonly store: (typeof STORES)[number];
  /** For people: why this store. */
  readonly reason: string;
  readonly hot: HotRange | null;
  readonly truth: RoutePart | null;
}

/** A report that no store can answer; `parameter` is the one to change. */
export class ReportQueryError extends Error {
  override readonly name = "ReportQueryError";
  readonly parameter: string;

  constructor(parameter: string, message: string) {
    super(message);
    this.parameter = parameter;
  }
}

/**
 * Money comes from truth alone. The dashboard's numbers come from the hot store, from the hour on
 * in which it begins; what is older, or split by more dimensions than it keeps, from truth.
 *
 * @throws {ReportQueryError} if truth, which is kept by hour, is asked for minutes.
 */
export function routeReport(facts: RouteFacts): Route {
  const { mode, fromMs, toMs, granularity } = facts;
  if (mode === "billing") {
    return allTruth(facts, "billing numbers come from truth alone, at its current versions");
  }
  if (facts.detailDimensions > 1) {
    return allTruth(facts, "the hot store keeps one dimension beside the campaign at a time");
  }

  const borderMs = hotBorderMs(facts);
  const olderInTruth = fromMs < borderMs && facts.truthBefore(Math.min(borderMs, toMs));
  if (!olderInTruth || granularity === "minute") {
    const hot = hotRange(facts, fromMs);
    return {
      store: hotStoreOf(hot.parts),
      reason:
        fromMs >= borderMs
          ? "the hot store holds all of the range"
          : "only the hot store counts this part of the range so far",
      hot,
      truth: null,
    };
  }
  if (toMs <= borderMs) return allTruth(facts, "the range is older than the hot store");
  const hot = hotRange(facts, borderMs);
  return {
    store: `truth+${hotStoreOf(hot.parts)}`,
    reason: `truth before ${new Date(borderMs).toISOString()}, where the hot store begins`,
    truth: { fromMs, toMs: borderMs },
    hot,
  };
}

function hotRange(facts: RouteFacts, fromMs: number): HotRange {
  const range = { fromMs, toMs: facts.toMs };
  return { ...range, parts: hotPartsOf({ ...facts, ...range }) };
}

function hotStoreOf({ hours, minutes }: HotParts) {
  if (hours === null) return "hot_minutes";
  return minutes.length === 0 ? "hot_hours" : "hot_hours+hot_minutes";
}

/** A whole hour of UTC: truth is kept by hour, so that each event lies on one side. */
function hotBorderMs({ hotFromMs, nowMs, toMs }: RouteFacts): number {
  if (hotFromMs === null) return toMs;
  const startsMs = Math.floor(hotFromMs / HOUR_MS) * HOUR_MS;
  const keptMs = Math.ceil((nowMs - HOT_COVERAGE_MS) / HOUR_MS) * HOUR_MS;
  return Math.max(startsMs, keptMs);
}

function allTruth({ granularity, fromMs, toMs }: RouteFacts, reason: string): Route {
  if (granularity === "minute") {
    throw new ReportQueryError(
      "granularity",
      `${reason}, and truth is kept by hour, not by minute`,
    );
  }
  return { store: "truth", reason, hot: null, truth: { fromMs, toMs } };
}

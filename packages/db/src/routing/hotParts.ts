/** Which part of a range the hot store answers from hours, and which from minutes. Pure. */
import { HOUR_MS } from "@trueclick/shared/time";
import type { Granularity } from "./buckets.ts";

/** Minutes are kept an hour longer: a query that runs meanwhile still finds them. */
export const HOT_MINUTES_COVERAGE_MS = 47 * HOUR_MS;

export interface HotPart {
  /** Inclusive, epoch milliseconds. */
  readonly fromMs: number;
  /** Exclusive, epoch milliseconds. */
  readonly toMs: number;
}

/** Parts without overlap or gap. */
export interface HotParts {
  /** Spans that it cuts are in it whole. */
  readonly hours: HotPart | null;
  /** Minutes that it cuts are in it whole. Before the hours and after them; at most one of each. */
  readonly minutes: readonly HotPart[];
}

export interface HotFacts extends HotPart {
  readonly nowMs: number;
  readonly granularity: Granularity;
  /** Every hour before it is rolled up; null: none is. */
  readonly rolledThroughMs: number | null;
}

/**
 * Hours up to where they are rolled up, and minutes from there on: each event is in one of them. An
 * hour that the range cuts is counted by its minutes where those are kept, else whole.
 */
export function hotPartsOf(facts: HotFacts): HotParts {
  const { fromMs, toMs, nowMs, granularity, rolledThroughMs } = facts;
  if (granularity === "minute" || rolledThroughMs === null) return minutesAlone(facts);
  const keptMs = nowMs - HOT_MINUTES_COVERAGE_MS;
  const startMs = fromMs < keptMs ? fromMs : Math.ceil(fromMs / HOUR_MS) * HOUR_MS;
  const lastHourMs = Math.floor(toMs / HOUR_MS) * HOUR_MS;
  // The minutes of the hour that the end cuts are kept only if its first one is.
  const endMs = Math.min(lastHourMs < keptMs ? toMs : lastHourMs, rolledThroughMs);
  if (startMs >= endMs) return minutesAlone(facts);
  const around = [
    { fromMs, toMs: startMs },
    { fromMs: endMs, toMs },
  ];
  return {
    hours: { fromMs: startMs, toMs: endMs },
    minutes: around.filter((part) => part.fromMs < part.toMs),
  };
}

/** Whether all minutes are kept: those that are not may be dropped at any time, and nobody says so. */
export function areMinutesKept({ minutes }: HotParts, nowMs: number): boolean {
  return minutes.every(({ fromMs }) => fromMs >= nowMs - HOT_MINUTES_COVERAGE_MS);
}

function minutesAlone({ fromMs, toMs }: HotPart): HotParts {
  return { hours: null, minutes: [{ fromMs, toMs }] };
}

/** Parts that change no more unless it is said, and the rest; together all of the parts they are of. */
export interface SettledParts {
  /** Hours alone; null for none. */
  readonly settled: HotPart | null;
  /** Null for nothing. */
  readonly rest: HotParts | null;
}

/** Cuts parts at an instant, a whole hour, before which hours change no more. */
export function settledPartsOf({ hours, minutes }: HotParts, settledMs: number): SettledParts {
  const borderMs = Math.min(settledMs, hours?.toMs ?? 0);
  if (hours === null || borderMs <= hours.fromMs)
    return { settled: null, rest: { hours, minutes } };
  const settled = { fromMs: hours.fromMs, toMs: borderMs };
  const others = borderMs < hours.toMs ? { fromMs: borderMs, toMs: hours.toMs } : null;
  const isAll = others === null && minutes.length === 0;
  return { settled, rest: isAll ? null : { hours: others, minutes } };
}

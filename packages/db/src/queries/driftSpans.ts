/** Which hours of a drift are remembered. Pure. */
import type { InstantRange } from "@trueclick/shared/calendar";
import { type HotParts, hotPartsOf } from "../routing/hotParts.ts";
import type { SettledHours } from "../routing/hotSettled.ts";

/** Whole hours that are read by one statement a table. */
export interface DriftSpan extends InstantRange {
  /** Where the stream's counts of them are. */
  readonly parts: HotParts;
  /** What their rows depend on beside the parameters of a statement; null: on what is written next. */
  readonly asOf: readonly unknown[] | null;
}

/**
 * The hours of a range that change no more unless it is said, and the others; an event is of one hour on
 * both sides, so their rows lie side by side.
 *
 * @param range Whole hours.
 */
export function driftSpans(
  range: InstantRange,
  settled: SettledHours,
  now: { readonly nowMs: number; readonly rolledThroughMs: number | null },
): DriftSpan[] {
  const { fromMs, toMs } = range;
  const borderMs = Math.min(Math.max(fromMs, settled.beforeMs), toMs);
  const partsOf = (span: InstantRange) => hotPartsOf({ ...span, ...now, granularity: "hour" });
  return [
    { fromMs, toMs: borderMs, asOf: settled.asOf },
    { fromMs: borderMs, toMs, asOf: null },
  ]
    .filter((span) => span.fromMs < span.toMs)
    .map((span) => ({ ...span, parts: partsOf(span) }));
}

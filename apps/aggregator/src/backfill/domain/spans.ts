import { dayBounds } from "@trueclick/shared/calendar";
import { HOUR_MS, MINUTE_MS } from "@trueclick/shared/time";
import { windowStartMs } from "@trueclick/shared/window";
import type { CellTotals } from "../../stream/domain/cubes.ts";

const QUARTER_MS = 15 * MINUTE_MS;

/** A day of winter and one of summer in either hemisphere, in years around any that is counted. */
const SAMPLE_DAYS = [2020, 2024, 2028, 2032].flatMap((year) => [`${year}-01-15`, `${year}-07-15`]);

/** Whether days of a zone start within an hour of UTC, so that a whole hour would be of two days. */
export function countsByQuarter(timeZone: string): boolean {
  return SAMPLE_DAYS.some((day) => dayBounds(day, timeZone).fromMs % HOUR_MS !== 0);
}

/** Counts of one partition in a span of `hot_hours`. */
export interface SpanTotals {
  readonly advertiserId: string;
  readonly cube: string;
  readonly campaignId: string;
  /** Epoch milliseconds. */
  readonly spanStartMs: number;
  readonly spanSizeMs: number;
  readonly dimensionValue: string;
  clicks: number;
  invalidClicks: number;
  duplicateClicks: number;
  impressions: number;
  conversions: number;
  costMicros: bigint;
}

/** Adds up the minutes of one partition to spans, as the rollup does in SQL. */
export function toSpans(
  cells: readonly CellTotals[],
  quarterAdvertisers: ReadonlySet<string>,
): SpanTotals[] {
  const spans = new Map<string, SpanTotals>();
  for (const cell of cells) {
    const { advertiserId, cube, campaignId, dimensionValue, windowStartMs: startMs } = cell;
    const sizeMs = quarterAdvertisers.has(advertiserId) ? QUARTER_MS : HOUR_MS;
    const spanStartMs = windowStartMs(startMs, sizeMs);
    const place = { spanStartMs, spanSizeMs: sizeMs };
    const key = { advertiserId, cube, campaignId, ...place, dimensionValue };
    const id = JSON.stringify(key);
    const span = spans.get(id) ?? { ...key, ...NOTHING };
    spans.set(id, span);
    span.clicks += cell.clicks;
    span.invalidClicks += cell.invalidClicks;
    span.duplicateClicks += cell.duplicateClicks;
    span.impressions += cell.impressions;
    span.conversions += cell.conversions;
    span.costMicros += cell.costMicros;
  }
  return [...spans.values()];
}

const NOTHING = {
  clicks: 0,
  invalidClicks: 0,
  duplicateClicks: 0,
  impressions: 0,
  conversions: 0,
  costMicros: 0n,
};

import { formatAge, formatInstant } from "../../shell/fns/format.ts";
import type { FigureFacts } from "../../ui/Figure.tsx";
import type { Finality } from "../../ui/FinalityBadge.tsx";

/** What a report says of itself. */
export interface ReportMeta {
  readonly store: string;
  readonly as_of: string;
  readonly watermark: string | null;
  readonly finality: Finality;
  readonly degraded: boolean;
}

const STORE_WORDS: Readonly<Record<string, string>> = {
  hot_minutes: "Live counters, minute by minute",
  hot_hours: "Live counters, hour by hour",
  "hot_hours+hot_minutes": "Live counters, hour by hour and lately minute by minute",
  truth: "Billing records, counted from the archive",
  "truth+hot_minutes": "Billing records, and live counters for the newest part",
  "truth+hot_hours": "Billing records, and live counters for the newest part",
  "truth+hot_hours+hot_minutes": "Billing records, and live counters for the newest part",
};

/** Older than this, live figures no longer deserve the word. */
export const STALE_AFTER_MS = 60_000;

export function factsOf(meta: ReportMeta, timeZone: string): FigureFacts {
  return {
    finality: meta.finality,
    asOf: formatInstant(Date.parse(meta.as_of), timeZone),
    store: STORE_WORDS[meta.store] ?? meta.store,
    ...(meta.degraded ? { note: "Counted under pressure: some details are coarser." } : {}),
  };
}

/** How old an answer is, in words: `fresh 2 s ago`. */
export function freshness(meta: ReportMeta, nowMs: number): string {
  return `fresh ${formatAge(Math.max(0, nowMs - Date.parse(meta.as_of)))} ago`;
}

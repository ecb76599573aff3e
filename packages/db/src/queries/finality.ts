/** How final a number is: what every figure shown to a user carries beside it. */
import { HOUR_MS } from "@trueclick/shared/time";

/**
 * `live`: the stream's estimate. `settling`: counted for billing, the day still open. `closed`: the
 * settling period is over. `corrected`: changed after that.
 *
 * From the least to the most final; a correction comes before `closed` so that a range shows it.
 */
export const FINALITIES = ["live", "settling", "corrected", "closed"] as const;
export type Finality = (typeof FINALITIES)[number];

/**
 * Whether a day was shown to have closed without an event of its advertiser, and whether a version came all
 * the same that has some.
 */
export type Emptiness = "unknown" | "shown" | "refuted";

export interface DayFinalityFacts {
  /** End of the billing day, exclusive, epoch milliseconds: a matter of the advertiser's zone. */
  readonly dayEndMs: number;
  readonly settlingHours: number;
  readonly nowMs: number;
  /** The version that readers see; null while the day was never counted for billing. */
  readonly current: { readonly version: number; readonly publishedAtMs: number } | null;
  readonly emptiness: Emptiness;
}

/** When a billing day closes, epoch milliseconds: its number is final unless it is corrected. */
export function closesAtMs(dayEndMs: number, settlingHours: number): number {
  return dayEndMs + settlingHours * HOUR_MS;
}

/** The finality of one billing day of one advertiser. */
export function finalityOf({
  dayEndMs,
  settlingHours,
  nowMs,
  current,
  emptiness,
}: DayFinalityFacts): Finality {
  if (current === null && emptiness === "unknown") return "live";
  const closesMs = closesAtMs(dayEndMs, settlingHours);
  if (nowMs < closesMs) return "settling";
  if (current === null || current.publishedAtMs < closesMs) return "closed";
  // A day that was counted for the first time after its close was late, not wrong, unless it had been
  // said to be empty.
  return current.version > 1 || emptiness === "refuted" ? "corrected" : "closed";
}

/** The finality of many days together: the least final of them, and `live` for none. */
export function leastFinal(days: readonly Finality[]): Finality {
  return FINALITIES.find((finality) => days.includes(finality)) ?? "live";
}

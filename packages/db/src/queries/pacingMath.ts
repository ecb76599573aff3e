/**
 * Pacing: how today's spend stands against the daily budget, and where it will end. Pure. Money is
 * micros of the account's currency; a projection is an estimate and never billed.
 */

export interface PacingFacts {
  readonly budgetMicros: number;
  /** So far today, at the rates of the time. */
  readonly spentMicros: number;
  /** Of today, 0 to 1. */
  readonly elapsedShare: number;
  /** Milliseconds since the day began in the account's zone. */
  readonly elapsedMs: number;
  /** Past days of the week before today on which anything was spent. */
  readonly pastDays: number;
  /** What was spent on them, and of that by this time of the day. */
  readonly pastMicros: number;
  readonly pastByNowMicros: number;
}

export const PACING_STATUSES = [
  "behind",
  "on_track",
  "ahead",
  "over_delivered",
  "unknown",
] as const;
export type PacingStatus = (typeof PACING_STATUSES)[number];

export const PROJECTION_METHODS = ["past_days", "linear", "none"] as const;
export type ProjectionMethod = (typeof PROJECTION_METHODS)[number];

export interface Pacing {
  /** At the end of the day; null while it is too early to say. */
  readonly projectedMicros: number | null;
  /** The shape of the past week's days, a straight line, or nothing yet. */
  readonly method: ProjectionMethod;
  readonly status: PacingStatus;
  /** More than the budget is spent already. */
  readonly overDelivery: boolean;
}

/** Fewer days have no shape. */
const PAST_DAYS_MIN = 3;
/** Where less of a day is usually spent by now, one click more would move the end by 50 and more. */
const PAST_SHARE_MIN = 0.02;
const ELAPSED_MIN_MS = 3_600_000;
/** A tenth around the budget is on track. */
const TOLERANCE = 0.1;

/** Projects today's spend to its end and judges it against the budget. */
export function pacingOf(facts: PacingFacts): Pacing {
  const { budgetMicros, spentMicros } = facts;
  const { share, method } = shareByNow(facts);
  const projectedMicros =
    share === null ? null : Math.max(spentMicros, Math.round(spentMicros / share));
  const overDelivery = spentMicros > budgetMicros;
  return {
    projectedMicros,
    method,
    status: overDelivery ? "over_delivered" : statusOf(projectedMicros, budgetMicros),
    overDelivery,
  };
}

/** Which share of a day is usually spent by now. */
function shareByNow(facts: PacingFacts): {
  readonly share: number | null;
  readonly method: ProjectionMethod;
} {
  const past = facts.pastMicros > 0 ? facts.pastByNowMicros / facts.pastMicros : 0;
  if (facts.pastDays >= PAST_DAYS_MIN && past >= PAST_SHARE_MIN) {
    return { share: Math.min(1, past), method: "past_days" };
  }
  if (facts.elapsedMs >= ELAPSED_MIN_MS && facts.elapsedShare > 0) {
    return { share: Math.min(1, facts.elapsedShare), method: "linear" };
  }
  return { share: null, method: "none" };
}

function statusOf(projectedMicros: number | null, budgetMicros: number): PacingStatus {
  if (projectedMicros === null) return "unknown";
  if (projectedMicros > budgetMicros * (1 + TOLERANCE)) return "ahead";
  return projectedMicros < budgetMicros * (1 - TOLERANCE) ? "behind" : "on_track";
}

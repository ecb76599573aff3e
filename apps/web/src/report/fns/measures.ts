/** Figures that follow from the counts of a report row. Null where they cannot be known. */

export interface Counts {
  readonly clicks: number;
  readonly gross_clicks: number;
  readonly invalid_clicks: number;
  readonly impressions: number;
  readonly cost_micros: number;
}

/** What conversions were credited with; null where nobody has looked yet. */
export interface CreditCounts {
  /** Valid conversions, credited to a click or not. */
  readonly conversions: number;
  readonly attributed_conversions: number | null;
  /** Micros of the account's currency; negative where more was taken back than sold. */
  readonly attributed_value_micros: number | null;
}

/** Cost per click in micros, rounded half up. */
export function cpcMicros({ clicks, cost_micros }: Counts): number | null {
  return clicks === 0 ? null : Math.round(cost_micros / clicks);
}

/** Invalid clicks among all that are no duplicates, 0 to 1. */
export function invalidRate({ gross_clicks, invalid_clicks }: Counts): number | null {
  return gross_clicks === 0 ? null : invalid_clicks / gross_clicks;
}

/** Clicks by impression; null without impressions. */
export function clickRate({ clicks, impressions }: Counts): number | null {
  return impressions === 0 ? null : clicks / impressions;
}

/** How much something grew, as a ratio of what it was; null from nothing. */
export function change(now: number | null, before: number | null): number | null {
  return now === null || before === null || before === 0 ? null : (now - before) / before;
}

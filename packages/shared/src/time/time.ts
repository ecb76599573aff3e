/** Lengths of time in milliseconds, for sums that read as what they mean. */
export const SECOND_MS = 1_000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
/** 24 hours: a span, never a calendar day (see `@trueclick/shared/calendar`). */
export const DAY_MS = 24 * HOUR_MS;

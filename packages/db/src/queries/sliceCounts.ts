/**
 * What a slice counts, one number each, in the order that rows of `truth_slices` have them in `counts`. Rows that
 * are written stay: one more goes to the end, in a table of its own or with the rows of before filled up.
 */
export const SLICE_COUNTS = [
  "clicks",
  "gross_clicks",
  "net_clicks",
  "duplicate_clicks",
  "impressions",
  "conversions",
  "unique_users",
  "cost_micros",
  "attributed_conversions",
  "attributed_value_micros",
] as const;

export type SliceCount = (typeof SLICE_COUNTS)[number];

import {
  type Counts,
  type CreditCounts,
  change,
  clickRate,
  cpcMicros,
  invalidRate,
} from "../../../report/fns/measures.ts";
import { formatChange } from "../../../shell/fns/format.ts";
import type { Delta } from "../../../ui/StatCard.tsx";

export interface TotalCounts extends Counts, CreditCounts {
  readonly unique_users: number | null;
}

const NOTHING: TotalCounts = {
  clicks: 0,
  gross_clicks: 0,
  invalid_clicks: 0,
  impressions: 0,
  cost_micros: 0,
  conversions: 0,
  attributed_conversions: null,
  attributed_value_micros: null,
  unique_users: null,
};

/**
 * The figures of the cards and how they changed. More clicks and users are good news, more invalid
 * clicks and a higher price are bad news; a cost is neither.
 *
 * @param row The total of the period; a period without events has none.
 * @param previous The same of the period before; undefined when nothing is compared.
 */
export function prepareTotals(row: TotalCounts = NOTHING, previous?: TotalCounts) {
  const deltaOf = (measure: (counts: TotalCounts) => number | null, moreIsGood: boolean | null) =>
    previous === undefined ? null : toDelta(change(measure(row), measure(previous)), moreIsGood);
  return {
    clicks: row.clicks,
    costMicros: row.cost_micros,
    cpcMicros: cpcMicros(row),
    users: row.unique_users,
    invalidClicks: row.invalid_clicks,
    invalidRate: invalidRate(row),
    impressions: row.impressions,
    clickRate: clickRate(row),
    conversions: row.conversions,
    creditedConversions: row.attributed_conversions,
    creditedValueMicros: row.attributed_value_micros,
    deltas: {
      clicks: deltaOf((counts) => counts.clicks, true),
      cost: deltaOf((counts) => counts.cost_micros, null),
      cpc: deltaOf(cpcMicros, false),
      users: deltaOf((counts) => counts.unique_users, true),
      invalid: deltaOf(invalidRate, false),
      conversions: deltaOf((counts) => counts.attributed_conversions, true),
    },
  };
}

/** A change too small to be written is no news, good or bad. */
function toDelta(ratio: number | null, moreIsGood: boolean | null): Delta | null {
  if (ratio === null) return null;
  const text = formatChange(ratio);
  const moved = text !== formatChange(0);
  return {
    text,
    good: moreIsGood === null || !moved ? null : ratio > 0 === moreIsGood,
    title: "Compared with the period before, as far as this one has come",
  };
}

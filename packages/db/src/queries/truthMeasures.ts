/** What truth counts of the cells of its cube: one definition for reports and for what is made for them. */
import { VERDICT_CLASS, type VerdictClass } from "@trueclick/shared/verdict";

/** Columns that tell cells apart, beside those of the cube. Needs `TRUTH_MEASURE_PARAMS`. */
export const TRUTH_CELL_CLASSES = `event_type = 'click' AS is_click,
      verdict IN {removed_verdicts: Array(String)} AS is_removed,
      verdict IN {givt_verdicts: Array(String)} AS is_givt`;

/** Counts of such cells. */
export const TRUTH_COUNTS = `sumIf(events, is_click AND verdict = 'valid') AS clicks,
    sumIf(events, is_click AND NOT is_removed) AS gross_clicks,
    sumIf(events, is_click AND NOT is_removed AND NOT is_givt) AS net_clicks,
    sumIf(events, is_click AND verdict IN {duplicate_verdicts: Array(String)})
      AS duplicate_clicks,
    sumIf(events, event_type = 'impression' AND verdict = 'valid') AS impressions,
    sumIf(events, event_type = 'conversion' AND verdict = 'valid') AS conversions`;

function verdictsOf(...classes: readonly VerdictClass[]): string[] {
  return Object.entries(VERDICT_CLASS).flatMap(([verdict, verdictClass]) =>
    classes.includes(verdictClass) ? [verdict] : [],
  );
}

export const TRUTH_MEASURE_PARAMS = {
  duplicate_verdicts: verdictsOf("duplicate"),
  removed_verdicts: verdictsOf("duplicate", "test"),
  givt_verdicts: verdictsOf("givt"),
};

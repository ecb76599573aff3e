import { CHANGED_CLICKS, type DirtyDay } from "@trueclick/db/queries/dirtyDays";
import type { TruthPartition } from "@trueclick/db/queries/jobs";

/**
 * Of what is dirty after a count, the days whose conversions are due to clicks that it judged otherwise.
 * Where days were named, only those: nobody asked for others, and the next run counts them. A run that
 * was to count all that changed leaves none behind.
 */
export function creditedOtherwise(
  dirty: readonly DirtyDay[],
  counted: readonly TruthPartition[],
  daysNamed: boolean,
): DirtyDay[] {
  const asked = new Set(counted.map(keyOf));
  return dirty.filter((day) => day.why === CHANGED_CLICKS && (!daysNamed || asked.has(keyOf(day))));
}

const keyOf = ({ advertiserId, billingDay }: TruthPartition) => `${billingDay}/${advertiserId}`;

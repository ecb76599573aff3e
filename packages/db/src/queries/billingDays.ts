import {
  dayBounds,
  dayOf,
  daysBetween,
  type InstantRange,
  type IsoDay,
} from "@trueclick/shared/calendar";

export interface BillingDay {
  readonly day: IsoDay;
  readonly bounds: InstantRange;
}

/** The local days that a range touches, oldest first. Empty days, which a zone skipped, included. */
export function billingDaysOf({ fromMs, toMs }: InstantRange, timeZone: string): BillingDay[] {
  if (fromMs >= toMs) return [];
  return daysBetween(dayOf(fromMs, timeZone), dayOf(toMs - 1, timeZone)).map((day) => ({
    day,
    bounds: dayBounds(day, timeZone),
  }));
}

/** A function of one argument that works each answer out once. */
export function remembered<Key, Value>(work: (key: Key) => Value): (key: Key) => Value {
  const known = new Map<Key, Value>();
  return (key) => {
    const before = known.get(key);
    if (before !== undefined) return before;
    const value = work(key);
    known.set(key, value);
    return value;
  };
}

/** How final a report is, and when it will be. */
import { dayBounds, dayOf, type InstantRange } from "@trueclick/shared/calendar";
import { billingDaysOf, remembered } from "../queries/billingDays.ts";
import { closesAtMs, type Finality, finalityOf, leastFinal } from "../queries/finality.ts";
import type { Account } from "../queries/reportFacts.ts";
import type { TruthPointer } from "../queries/truthPointers.ts";

/** The finality of the range's billing days; those that have not begun yet say nothing about it. */
export function truthFinality(
  { fromMs, toMs }: InstantRange,
  accounts: readonly Account[],
  pins: readonly TruthPointer[],
  nowMs: number,
): Finality {
  const begun = { fromMs, toMs: Math.min(toMs, nowMs) };
  const daysIn = remembered((timeZone: string) => billingDaysOf(begun, timeZone));
  const current = new Map(pins.map((pin) => [`${pin.advertiserId}/${pin.billingDay}`, pin]));
  return leastFinal(
    accounts.flatMap(({ id, timeZone, settlingHours }) =>
      daysIn(timeZone).map(({ day, bounds }) =>
        finalityOf({
          dayEndMs: bounds.toMs,
          settlingHours,
          nowMs,
          current: current.get(`${id}/${day}`) ?? null,
        }),
      ),
    ),
  );
}

export interface FinalDate {
  /** The instant, ISO 8601 UTC. */
  readonly final_at: string | null;
  /** The day that it falls on in the zone of the account that closes last, `YYYY-MM-DD`. */
  readonly final_on: string | null;
}

/**
 * When the last billing day that a range touches closes, of the account that closes last; past for a
 * range that is final, null where there is no account.
 */
export function finalDate({ toMs }: InstantRange, accounts: readonly Account[]): FinalDate {
  const endIn = remembered((timeZone: string) => {
    return dayBounds(dayOf(toMs - 1, timeZone), timeZone).toMs;
  });
  const closes = accounts.map(({ timeZone, settlingHours }) => ({
    timeZone,
    ms: closesAtMs(endIn(timeZone), settlingHours),
  }));
  const last = closes.toSorted((a, b) => b.ms - a.ms)[0];
  if (last === undefined) return { final_at: null, final_on: null };
  return { final_at: new Date(last.ms).toISOString(), final_on: dayOf(last.ms, last.timeZone) };
}

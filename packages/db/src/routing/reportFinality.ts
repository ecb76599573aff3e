/** How final a report is, and when it will be. */
import { dayBounds, dayOf, type InstantRange } from "@trueclick/shared/calendar";
import { billingDaysOf, remembered } from "../queries/billingDays.ts";
import { knownEmptiness } from "../queries/emptyDays.ts";
import { closesAtMs, type Finality, finalityOf, leastFinal } from "../queries/finality.ts";
import type { Account, ReportFacts } from "../queries/reportFacts.ts";

/** The finality of the range's billing days; those that have not begun yet say nothing about it. */
export function truthFinality(
  { fromMs, toMs }: InstantRange,
  { accounts, pins, empty }: Pick<ReportFacts, "accounts" | "pins" | "empty">,
  nowMs: number,
): Finality {
  const begun = { fromMs, toMs: Math.min(toMs, nowMs) };
  const daysIn = remembered((timeZone: string) => billingDaysOf(begun, timeZone));
  const pinsOf = Map.groupBy(pins, (pin) => pin.advertiserId);
  const emptiness = knownEmptiness(empty);
  const found = new Set<Finality>();
  for (const { id, timeZone, settlingHours } of accounts) {
    const current = new Map(pinsOf.get(id)?.map((pin) => [pin.billingDay, pin]));
    for (const { day, bounds } of daysIn(timeZone)) {
      const closesMs = closesAtMs(bounds.toMs, settlingHours);
      const finality = finalityOf({
        dayEndMs: bounds.toMs,
        settlingHours,
        nowMs,
        current: current.get(day) ?? null,
        emptiness: emptiness.of(id, day, bounds, closesMs),
      });
      // Nothing is less final: of many accounts most days need not be looked at.
      if (finality === "live") return finality;
      found.add(finality);
    }
  }
  return leastFinal([...found]);
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

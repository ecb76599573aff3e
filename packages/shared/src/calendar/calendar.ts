/**
 * Billing days: calendar days in an account's IANA time zone, of 23, 24 or 25 hours, or whatever
 * length the zone's history gives one (invariant I12).
 */
import { Temporal } from "temporal-polyfill";
import { DAY_MS, HOUR_MS } from "../time/time.ts";

/** A half-open range of instants, epoch milliseconds. */
export interface InstantRange {
  readonly fromMs: number;
  readonly toMs: number;
}

/** A calendar day, `YYYY-MM-DD`. */
export type IsoDay = string;

export function isTimeZone(timeZone: string): boolean {
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(timeZone);
    return true;
  } catch {
    return false;
  }
}

/** @throws {RangeError} if `day` is no calendar day. */
export function parseDay(day: string): IsoDay {
  const parsed = Temporal.PlainDate.from(day, { overflow: "reject" }).toString();
  if (parsed !== day) throw new RangeError(`not a calendar day, YYYY-MM-DD: ${day}`);
  return day;
}

/**
 * The instants of a local day: from its first to that of the next day. A day that the zone skipped
 * (Samoa, 30 December 2011) is empty.
 *
 * @throws {RangeError} on an unknown zone or an impossible day.
 */
export function dayBounds(day: IsoDay, timeZone: string): InstantRange {
  const key = `${day} ${timeZone}`;
  const before = knownBounds.get(key);
  if (before !== undefined) return before;
  const date = Temporal.PlainDate.from(day, { overflow: "reject" });
  const bounds = {
    fromMs: startOf(date, timeZone),
    toMs: startOf(date.add({ days: 1 }), timeZone),
  };
  if (knownBounds.size >= KNOWN_BOUNDS_MAX) knownBounds.clear();
  knownBounds.set(key, bounds);
  return bounds;
}

/** Bounds that were worked out before: from a zone's history it takes longer than the rest of a report. */
const knownBounds = new Map<string, InstantRange>();
const KNOWN_BOUNDS_MAX = 4_096;

/**
 * The local day that holds an instant, looked for by its bounds, which are mostly known.
 *
 * @throws {RangeError} on an unknown zone, or what is no instant.
 */
export function dayOf(instantMs: number, timeZone: string): IsoDay {
  const utcDay = utcDayOf(instantMs);
  // No zone is a whole day from UTC.
  for (const days of [0, -1, 1]) {
    const day = addDays(utcDay, days);
    const { fromMs, toMs } = dayBounds(day, timeZone);
    if (fromMs <= instantMs && instantMs < toMs) return day;
  }
  throw new RangeError(`no day of ${timeZone} holds ${instantMs}`);
}

/**
 * Calendar days have no zone and no clock, so their arithmetic is that of days of UTC: in place of
 * Temporal's, which took a report by day longer than all its rows.
 *
 * @throws {RangeError} if `day` is no calendar day.
 */
export function addDays(day: IsoDay, days: number): IsoDay {
  const startMs = Date.parse(`${day}T00:00:00Z`);
  if (utcDayOf(startMs) !== day) throw new RangeError(`not a calendar day, YYYY-MM-DD: ${day}`);
  return utcDayOf(startMs + days * DAY_MS);
}

/** Years past four digits included. @throws {RangeError} on what is no instant. */
function utcDayOf(instantMs: number): IsoDay {
  const iso = new Date(instantMs).toISOString();
  return iso.slice(0, iso.indexOf("T"));
}

/** The days from `first` to `last`, both included; empty when `last` comes before `first`. */
export function daysBetween(first: IsoDay, last: IsoDay): IsoDay[] {
  const days: IsoDay[] = [];
  for (let day = first; day <= last; day = addDays(day, 1)) days.push(day);
  return days;
}

/** The first and the last day of a month `YYYY-MM`. */
export function monthDays(month: string): { readonly first: IsoDay; readonly last: IsoDay } {
  const parsed = Temporal.PlainYearMonth.from(month);
  return {
    first: parsed.toPlainDate({ day: 1 }).toString(),
    last: parsed.toPlainDate({ day: parsed.daysInMonth }).toString(),
  };
}

/**
 * The UTC hours that a range touches, as their starts in epoch milliseconds. In a zone of half or
 * quarter hours the first and the last hour belong to the range only in part.
 */
export function hoursTouched({ fromMs, toMs }: InstantRange): number[] {
  const hours: number[] = [];
  for (let hour = Math.floor(fromMs / HOUR_MS) * HOUR_MS; hour < toMs; hour += HOUR_MS) {
    hours.push(hour);
  }
  return hours;
}

/**
 * Where the date turns for good. Newfoundland once set its clocks back at 00:01, to 23:01 of the day
 * before, so that midnight came twice: the day starts at the second, and days stay in one piece.
 * Where 00:00 to 01:00 is repeated within one date (Cuba), the day starts at the first.
 */
function startOf(date: Temporal.PlainDate, timeZone: string): number {
  const midnight = date.toPlainDateTime();
  const later = midnight.toZonedDateTime(timeZone, { disambiguation: "later" });
  const before = later.subtract({ milliseconds: 1 }).toPlainDate();
  const turnsHere = Temporal.PlainDate.compare(before, date) < 0;
  return (turnsHere ? later : later.startOfDay()).epochMilliseconds;
}

/** Ranges of days as people choose them, in the account's time zone. */
import { addDays, dayBounds, dayOf, type InstantRange, parseDay } from "@trueclick/shared/calendar";
import { DAY_MS } from "@trueclick/shared/time";

export const PRESETS = ["today", "yesterday", "7d", "30d", "month", "last-month"] as const;
export type Preset = (typeof PRESETS)[number];

export const PRESET_WORDS: Readonly<Record<Preset, string>> = {
  today: "Today",
  yesterday: "Yesterday",
  "7d": "Last 7 days",
  "30d": "Last 30 days",
  month: "This month",
  "last-month": "Last month",
};

/** Days from first to last, both included, `YYYY-MM-DD`. */
export interface DayRange {
  readonly first: string;
  readonly last: string;
}

/** Longest range that can be asked for, in days: thirteen months. */
export const RANGE_DAYS_MAX = 400;

/** A preset keeps meaning the same tomorrow; days stay these days. As it stands in the URL. */
export type RangeChoice = Preset | `${string}..${string}`;

export function isPreset(word: string): word is Preset {
  return (PRESETS as readonly string[]).includes(word);
}

/** Reads a choice out of a URL; null when it is none or too long. */
export function parseRangeChoice(text: string): RangeChoice | null {
  if (isPreset(text)) return text;
  const [first, last, ...rest] = text.split("..");
  if (first === undefined || last === undefined || rest.length > 0) return null;
  try {
    const days = (Date.parse(parseDay(last)) - Date.parse(parseDay(first))) / DAY_MS + 1;
    return days >= 1 && days <= RANGE_DAYS_MAX ? `${first}..${last}` : null;
  } catch {
    return null;
  }
}

/** The days that a choice means on the given day. */
export function resolveRange(choice: RangeChoice, today: string): DayRange {
  const firstOfMonth = `${today.slice(0, 7)}-01`;
  switch (choice) {
    case "today":
      return { first: today, last: today };
    case "yesterday":
      return { first: addDays(today, -1), last: addDays(today, -1) };
    case "7d":
      return { first: addDays(today, -6), last: today };
    case "30d":
      return { first: addDays(today, -29), last: today };
    case "month":
      return { first: firstOfMonth, last: today };
    case "last-month": {
      const last = addDays(firstOfMonth, -1);
      return { first: `${last.slice(0, 7)}-01`, last };
    }
    default: {
      const [first = today, last = first] = choice.split("..");
      return { first, last };
    }
  }
}

/** As many days again, ending on the day before. */
export function previousRange({ first, last }: DayRange): DayRange {
  const days = dayCount({ first, last });
  return { first: addDays(first, -days), last: addDays(first, -1) };
}

export function dayCount({ first, last }: DayRange): number {
  return Math.round((Date.parse(last) - Date.parse(first)) / DAY_MS) + 1;
}

/** The instants of a range: local midnight to local midnight. */
export function rangeInstants({ first, last }: DayRange, timeZone: string): InstantRange {
  return { fromMs: dayBounds(first, timeZone).fromMs, toMs: dayBounds(last, timeZone).toMs };
}

/**
 * The part of the previous period that is as far along as the present one: half a Tuesday is
 * compared with half a Monday, never with a whole one.
 */
export function comparableInstants(range: DayRange, timeZone: string, nowMs: number): InstantRange {
  const present = rangeInstants(range, timeZone);
  const previous = rangeInstants(previousRange(range), timeZone);
  if (nowMs >= present.toMs) return previous;
  const elapsedMs = Math.max(0, nowMs - present.fromMs);
  return { fromMs: previous.fromMs, toMs: Math.min(previous.toMs, previous.fromMs + elapsedMs) };
}

export function todayIn(timeZone: string, nowMs: number): string {
  return dayOf(nowMs, timeZone);
}

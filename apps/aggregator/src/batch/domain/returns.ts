/**
 * Which days' users are counted beside those of the days before, and by which days at once.
 *
 * A day's users are told by how many days back each was there last. So the distinct users of several days
 * are a sum: of each day those who were on none of the days before it that are asked for.
 */
import type { IsoDay } from "@trueclick/shared/calendar";
import { DAY_MS } from "@trueclick/shared/time";

/** Days before it that a day is compared with: a report may be of as many and one, a quarter at most. */
export const DAYS_BACK_MAX = 91;
/**
 * Clicks of a day and those that it is compared with; a day is compared with fewer days, rather. Several
 * times what a report unites (`USERS_UNITED_MAX`), for it may be of one of many campaigns.
 */
export const CLICKS_COMPARED_MAX = 4_000_000;
/** Days of one count: each is a bit of a user's mask. */
const DAYS_AT_ONCE_MAX = 128;
/** Lines of the days that one count answers about, each with up to `DAYS_BACK_MAX` numbers. */
const LINES_AT_ONCE_MAX = 2_000;

/** A billing day that has a published version, and where its rows lie. */
export interface VersionedDay {
  readonly day: IsoDay;
  readonly version: number;
  readonly buildId: number;
  /** Event hours, as starts in epoch seconds, that lie in earlier builds. */
  readonly takenOver: readonly { readonly buildId: number; readonly hours: readonly number[] }[];
  /** Valid ones. */
  readonly clicks: number;
  /** Campaigns that have a line. */
  readonly lines: number;
  /** What its users were compared with, as far as is known; null if they never were. */
  readonly kept: { readonly version: number; readonly compared: readonly number[] } | null;
}

/** A day to count the returns of. */
export interface StaleDay {
  readonly day: IsoDay;
  readonly version: number;
  /** Versions of the days before, nearest first; 0 of a day that has none. */
  readonly compared: readonly number[];
}

/** Days that are counted at once. */
export interface ReturnsWindow {
  /** The first day that any of the stale ones is compared with. */
  readonly firstDay: IsoDay;
  readonly stale: readonly StaleDay[];
}

const dayNumber = (day: IsoDay) => Date.parse(day) / DAY_MS;
const dayOfNumber = (number: number): IsoDay =>
  new Date(number * DAY_MS).toISOString().slice(0, "YYYY-MM-DD".length);

/**
 * The days of one advertiser whose returns are unknown or were counted beside other versions, newest first,
 * in windows that one count can answer about.
 */
export function planReturns(days: readonly VersionedDay[]): ReturnsWindow[] {
  const byNumber = new Map(days.map((day) => [dayNumber(day.day), day]));
  const stale = days
    .toSorted((a, b) => dayNumber(b.day) - dayNumber(a.day))
    .flatMap((day) => {
      const compared = comparedWith(byNumber, day);
      return compared === null || isKept(day, compared) ? [] : [{ ...day, compared }];
    });
  const windows: ReturnsWindow[] = [];
  let together: typeof stale = [];
  const close = () => {
    if (together.length === 0) return;
    windows.push({ firstDay: dayOfNumber(firstOf(together)), stale: together });
    together = [];
  };
  for (const day of stale) {
    if (together.length > 0 && !fits([...together, day], byNumber)) close();
    together.push(day);
  }
  close();
  return windows;
}

/** Null of a day that has too many clicks to be counted at all. */
function comparedWith(
  days: ReadonlyMap<number, VersionedDay>,
  { day, clicks }: VersionedDay,
): number[] | null {
  if (clicks > CLICKS_COMPARED_MAX) return null;
  const compared: number[] = [];
  let left = CLICKS_COMPARED_MAX - clicks;
  while (compared.length < DAYS_BACK_MAX) {
    const before = days.get(dayNumber(day) - compared.length - 1);
    left -= before?.clicks ?? 0;
    if (left < 0) break;
    compared.push(before?.version ?? 0);
  }
  return compared;
}

function isKept({ version, kept }: VersionedDay, compared: readonly number[]): boolean {
  return (
    kept?.version === version &&
    kept.compared.length === compared.length &&
    compared.every((other, at) => other === kept.compared[at])
  );
}

const firstOf = (stale: readonly StaleDay[]) =>
  Math.min(...stale.map(({ day, compared }) => dayNumber(day) - compared.length));

function fits(
  stale: readonly (StaleDay & VersionedDay)[],
  days: ReadonlyMap<number, VersionedDay>,
): boolean {
  const first = firstOf(stale);
  const last = Math.max(...stale.map(({ day }) => dayNumber(day)));
  if (last - first >= DAYS_AT_ONCE_MAX) return false;
  let clicks = 0;
  for (let at = first; at <= last; at += 1) clicks += days.get(at)?.clicks ?? 0;
  const lines = stale.reduce((sum, day) => sum + day.lines, 0);
  return clicks <= 2 * CLICKS_COMPARED_MAX && lines <= LINES_AT_ONCE_MAX;
}

/** Users of a day by how many days before it they were there last; 0 of those who were not. */
export type UsersByGap = readonly (readonly [daysBack: number, users: number])[];

/** All users of a day, and at `n - 1` how many of them were there on any of the `n` days before. */
export interface DayReturns {
  readonly uniqueUsers: number;
  readonly returned: readonly number[];
}

/** @param daysBack How many days before it the day was compared with. */
export function toReturns(users: UsersByGap, daysBack: number): DayReturns {
  const returned = Array.from({ length: daysBack }, () => 0);
  let uniqueUsers = 0;
  for (const [back, count] of users) {
    uniqueUsers += count;
    for (let n = Math.max(back, 1); back > 0 && n <= daysBack; n += 1) {
      returned[n - 1] = (returned[n - 1] ?? 0) + count;
    }
  }
  return { uniqueUsers, returned };
}

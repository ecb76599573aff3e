/**
 * Event times on the wire: ISO 8601 with a zone (the profile of RFC 3339, seconds optional), or
 * epoch milliseconds. A time without a zone names no instant and is refused.
 */

const ISO_INSTANT =
  /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(?:[Zz]|([+-])(\d\d):?(\d\d))$/;

const MINUTE_MS = 60_000;
/** Widest offset in use is +14:00; ISO 8601 allows what a clock can show. */
const OFFSET_HOURS_MAX = 23;

/**
 * Reads an event time, epoch milliseconds. Digits finer than a millisecond are cut off, so that a
 * retry in another notation of the same instant has the same time.
 *
 * @returns null if it is neither form, or names a date or an hour that does not exist.
 */
export function parseEventTime(value: unknown): number | null {
  if (typeof value === "number") return Number.isSafeInteger(value) ? value : null;
  if (typeof value !== "string") return null;
  const match = ISO_INSTANT.exec(value);
  if (match === null) return null;

  const part = (index: number) => Number(match[index] ?? 0);
  const [year, month, day] = [part(1), part(2), part(3)];
  const [hour, minute, second] = [part(4), part(5), part(6)];
  if (hour > 23 || minute > 59 || second > 59) return null;
  const dayMs = Date.UTC(year, month - 1, day);
  // `Date.UTC` makes March of a 31 February and 1999 of the year 99; the way back shows it.
  const isoDay = new Date(dayMs).toISOString().slice(0, 10);
  if (isoDay !== value.slice(0, 10)) return null;

  const offsetHours = part(9);
  const offsetMinutes = part(10);
  if (offsetHours > OFFSET_HOURS_MAX || offsetMinutes > 59) return null;
  const offsetMs = (offsetHours * 60 + offsetMinutes) * MINUTE_MS * (match[8] === "-" ? -1 : 1);
  const ms = Number((match[7] ?? "").padEnd(3, "0").slice(0, 3));
  return dayMs + ((hour * 60 + minute) * 60 + second) * 1_000 + ms - offsetMs;
}

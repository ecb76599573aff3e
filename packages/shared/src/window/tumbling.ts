/**
 * Tumbling windows over event time: fixed size, no overlap, aligned to the Unix epoch in UTC.
 *
 * A window is half-open, `[startMs, endMs)`: a click at exactly `endMs` belongs to the next one.
 * Days in an account's own time zone are a matter for `@trueclick/shared/calendar`.
 *
 * The rule is that of Apache Flink's `TimeWindow.getWindowStartWithOffset` with an offset of 0.
 */

/**
 * Finds the start of the one window that holds an event; its end is the start plus the size.
 *
 * @param eventTimeMs When the event happened, epoch milliseconds; negative means before 1970.
 * @param sizeMs Window length in milliseconds, a positive integer.
 * @throws {RangeError} if a value is not a safe integer or `sizeMs` is not positive. Either is a
 *   bug in the caller: event times are checked where they enter the system.
 */
export function windowStartMs(eventTimeMs: number, sizeMs: number): number {
  if (!Number.isSafeInteger(eventTimeMs)) {
    throw new RangeError(`eventTimeMs must be a safe integer, got ${eventTimeMs}`);
  }
  if (!Number.isSafeInteger(sizeMs) || sizeMs <= 0) {
    throw new RangeError(`sizeMs must be a positive safe integer, got ${sizeMs}`);
  }
  // `%` takes the sign of the dividend, so a time before 1970 needs the second `%` to round down.
  const elapsedMs = ((eventTimeMs % sizeMs) + sizeMs) % sizeMs;
  return eventTimeMs - elapsedMs;
}

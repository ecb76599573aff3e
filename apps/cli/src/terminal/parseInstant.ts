import { UsageError } from "./errors.ts";

/** With a zone: a time without one means another instant on every machine. */
const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})$/;

/** No event is of other years, and Postgres has no word for some. */
const [FROM_MS, TO_MS] = [0, Date.UTC(2100, 0)];

/** An option's instant as epoch milliseconds. @throws {UsageError} naming the option. */
export function parseInstant(option: string, text: string | undefined): number {
  const instantMs = text !== undefined && INSTANT.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(instantMs)) {
    throw new UsageError(`--${option} must be a time with a zone, such as 2026-11-01T00:00:00Z`);
  }
  if (instantMs < FROM_MS || instantMs >= TO_MS) {
    throw new UsageError(`--${option} must be of the years 1970 to 2099`);
  }
  return instantMs;
}

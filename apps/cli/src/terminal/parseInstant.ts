import { UsageError } from "./errors.ts";

/** With a zone: a time without one means another instant on every machine. */
const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})$/;

/** An option's instant as epoch milliseconds. @throws {UsageError} naming the option. */
export function parseInstant(option: string, text: string | undefined): number {
  const instantMs = text !== undefined && INSTANT.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(instantMs)) {
    throw new UsageError(`--${option} must be a time with a zone, such as 2026-11-01T00:00:00Z`);
  }
  return instantMs;
}

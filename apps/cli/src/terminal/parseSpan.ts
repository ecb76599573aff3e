import { UsageError } from "./errors.ts";

const SECONDS_BY_UNIT = new Map([
  ["s", 1],
  ["m", 60],
  ["h", 3_600],
  ["d", 86_400],
]);

/** Seconds of a span such as `12h`. @throws {UsageError} naming the option. */
export function parseSpan(option: string, text: string): number {
  const [, count = "", unit = ""] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const seconds = Number(count) * (SECONDS_BY_UNIT.get(unit) ?? 0);
  if (seconds > 0) return seconds;
  throw new UsageError(`--${option} must be a span such as 90s, 15m, 12h or 30d`);
}

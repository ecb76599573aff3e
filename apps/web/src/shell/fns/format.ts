/** How figures and times are written. One locale for server and browser, so that both agree. */
import { formatMicros } from "@trueclick/shared/money";
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "@trueclick/shared/time";

const LOCALE = "en-GB";
const COUNT = new Intl.NumberFormat(LOCALE);
const ONE_DECIMAL = { minimumFractionDigits: 1, maximumFractionDigits: 1 } as const;
const PERCENT = new Intl.NumberFormat(LOCALE, { style: "percent", ...ONE_DECIMAL });
const CHANGE = new Intl.NumberFormat(LOCALE, {
  style: "percent",
  ...ONE_DECIMAL,
  signDisplay: "exceptZero",
});
const SIGNED = new Intl.NumberFormat(LOCALE, { signDisplay: "exceptZero" });

export const formatCount = (value: number | bigint) => COUNT.format(value);
export const formatSigned = (value: number) => SIGNED.format(value);
export const formatPercent = (ratio: number) => PERCENT.format(ratio);
export const formatChange = (ratio: number) => CHANGE.format(ratio);

/** `micros` is an integer, in millionths of the currency's unit. */
export function formatMoney(micros: number | bigint, currency: string): string {
  return formatMicros(BigInt(micros), currency, LOCALE);
}

export function formatInstant(ms: number, timeZone: string): string {
  return new Intl.DateTimeFormat(LOCALE, {
    timeZone,
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  }).format(ms);
}

/** `YYYY-MM-DD` as `Mon 2 Mar`. */
export function formatDay(day: string): string {
  return new Intl.DateTimeFormat(LOCALE, {
    timeZone: "UTC",
    weekday: "short",
    day: "numeric",
    month: "short",
  }).format(Date.parse(day));
}

/** `YYYY-MM` as `March 2026`. */
export function formatMonth(month: string): string {
  return new Intl.DateTimeFormat(LOCALE, {
    timeZone: "UTC",
    month: "long",
    year: "numeric",
  }).format(Date.parse(`${month}-01`));
}

/** How long something took: `12 ms`, `21.1 s`. */
export function formatDuration(ms: number): string {
  return ms < SECOND_MS ? `${Math.round(ms)} ms` : `${(ms / SECOND_MS).toFixed(1)} s`;
}

const AGE_UNITS = [
  [DAY_MS, "d"],
  [HOUR_MS, "h"],
  [MINUTE_MS, "min"],
  [SECOND_MS, "s"],
] as const;

/** A length of time in its largest unit: `2 s`, `14 min`, `3 d`. */
export function formatAge(ms: number): string {
  for (const [unitMs, word] of AGE_UNITS) {
    if (ms >= unitMs) return `${Math.floor(ms / unitMs)} ${word}`;
  }
  return "0 s";
}

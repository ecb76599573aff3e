/**
 * Money is integers: micros, millionths of a unit of the account's currency (invariant I12). Floats
 * appear only in what a person reads.
 */

export const MICROS_PER_UNIT = 1_000_000n;

/**
 * The decimals that people write in a currency: 2 for EUR, 0 for JPY, 3 for KWD.
 *
 * From the runtime's CLDR data. @throws {RangeError} if `currency` is not three letters.
 */
export function minorUnits(currency: string): number {
  const format = new Intl.NumberFormat("en", { style: "currency", currency });
  return format.resolvedOptions().maximumFractionDigits ?? 2;
}

/**
 * An amount as people read it, rounded half away from zero to the currency's minor unit.
 *
 * Rounds in integers and hands the decimal string to `Intl`, so no amount passes through a float.
 */
export function formatMicros(micros: bigint, currency: string, locale = "en"): string {
  const decimals = minorUnits(currency);
  const text = toDecimal(roundMicros(micros, decimals), decimals);
  return new Intl.NumberFormat(locale, { style: "currency", currency }).format(text);
}

/** An amount as a plain decimal with all six digits, for CSV: `0.250000`. */
export function microsToDecimal(micros: bigint): `${number}` {
  return toDecimal(micros, 6);
}

function roundMicros(micros: bigint, decimals: number): bigint {
  const step = 10n ** BigInt(6 - decimals);
  const half = step / 2n;
  return micros < 0n ? -((-micros + half) / step) : (micros + half) / step;
}

function toDecimal(amount: bigint, decimals: number): `${number}` {
  const sign = amount < 0n ? "-" : "";
  const digits = (amount < 0n ? -amount : amount).toString().padStart(decimals + 1, "0");
  const whole = digits.slice(0, digits.length - decimals);
  const fraction = digits.slice(digits.length - decimals);
  const text = decimals === 0 ? `${sign}${whole}` : `${sign}${whole}.${fraction}`;
  if (!isDecimal(text)) throw new RangeError(`not a decimal: ${text}`);
  return text;
}

function isDecimal(text: string): text is `${number}` {
  return /^-?\d+(\.\d+)?$/.test(text);
}

/** Months as `YYYY-MM`. */

export function isMonth(text: string): boolean {
  return /^\d{4}-(0[1-9]|1[0-2])$/.test(text);
}

export function addMonths(month: string, months: number): string {
  const [year = 0, ofYear = 1] = month.split("-").map(Number);
  const index = year * 12 + ofYear - 1 + months;
  const monthOfYear = String((index % 12) + 1).padStart(2, "0");
  return `${String(Math.floor(index / 12)).padStart(4, "0")}-${monthOfYear}`;
}

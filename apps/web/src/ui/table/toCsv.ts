import type { Column } from "./column.ts";

/**
 * The rows as CSV (RFC 4180) in the given order, of the given columns: exactly what is shown.
 *
 * A text that a spreadsheet would run as a formula is given a leading apostrophe, because names of
 * campaigns and publishers come from outside (OWASP, CSV injection).
 */
export function toCsv<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  const kept = columns.filter((column) => column.pictureOnly !== true);
  const lines = [
    kept.map((column) => quote(column.header)),
    ...rows.map((row) => kept.map((column) => toField(column.value(row)))),
  ];
  return `${lines.map((fields) => fields.join(",")).join("\r\n")}\r\n`;
}

function toField(value: string | number | null): string {
  if (value === null) return "";
  if (typeof value === "number") return String(value);
  return quote(/^[=+\-@\t\r]/.test(value) ? `'${value}` : value);
}

function quote(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

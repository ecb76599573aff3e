import { stringify } from "csv-stringify/sync";

type Cell = string | number | bigint | null | undefined;

/**
 * Rows as CSV of RFC 4180 with a header. Texts that a spreadsheet would run as a formula are led by
 * an apostrophe: names are chosen by others than those who open the file.
 */
export function toCsv<Column extends string>(
  columns: readonly Column[],
  rows: readonly { readonly [C in Column]?: Cell }[],
): string {
  return stringify([...rows], {
    header: true,
    columns: [...columns],
    escape_formulas: true,
    record_delimiter: "windows",
  });
}

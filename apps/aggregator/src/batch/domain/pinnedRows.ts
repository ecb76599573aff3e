import { sqlString } from "@trueclick/archive/domain/sqlString";

/** SQL that gives rows of pinned inputs, written into the text of the query. */
export function pinnedRows(structure: string, rows: readonly object[]): string {
  // `format` takes no empty text.
  if (rows.length === 0) return `SELECT * FROM null(${sqlString(structure)})`;
  const json = rows.map((row) => JSON.stringify(row)).join("\n");
  return `SELECT * FROM format(JSONEachRow, ${sqlString(structure)}, ${sqlString(json)})`;
}

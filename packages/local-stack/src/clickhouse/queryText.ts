/** What the server has to know of a query's text; the engine alone understands it in full. */
import { quote } from "./request.ts";

const LEADING_COMMENTS = /^(?:\s+|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)+/;
const FORMAT_AT_END = /\sFORMAT\s+([A-Za-z0-9]+)\s*;?\s*$/i;
const DATA_CLAUSE = /\s(?:SETTINGS\s[^()]*\s)?FORMAT\s+[A-Za-z0-9]+\s*;?\s*$/i;
const READS_INPUT = /\binput\s*\(/i;
const PARAMETER = /\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*:/g;

const startsWith = (keywords: RegExp) => (sql: string) =>
  keywords.test(sql.replace(LEADING_COMMENTS, ""));

export const isInsert = startsWith(/^INSERT\s/i);

/** Nothing is left half done when it is ended in the middle. */
export const isRead = startsWith(/^(?:SELECT|WITH|\()/i);

/** Changes the session that it runs on, for all queries after it. */
export const setsSessionState = startsWith(
  /^(?:SET|USE|(?:CREATE(?:\s+OR\s+REPLACE)?|REPLACE)\s+TEMPORARY)\s/i,
);

/** The format that a query names at its end, else null. */
export function formatOf(sql: string): string | null {
  return FORMAT_AT_END.exec(sql)?.[1] ?? null;
}

/** Names of its `{name: Type}`; some more may come out of string literals. */
export function parameterNames(sql: string): string[] {
  return [...sql.matchAll(PARAMETER)].flatMap(([, name]) => (name === undefined ? [] : [name]));
}

/**
 * The INSERT with its data read from a file, byte by byte as they came. Null where it names no
 * format: its data then are inline, as `VALUES` or a SELECT.
 */
export function insertFromFile(sql: string, file: string): string | null {
  const clause = DATA_CLAUSE.exec(sql);
  const format = formatOf(sql);
  if (clause === null || format === null) return null;
  if (READS_INPUT.test(sql)) {
    const source = `file(${quote(file)}, ${quote(format)}, `;
    return sql.replace(FORMAT_AT_END, "").replace(READS_INPUT, () => source);
  }
  const source = ` FROM INFILE ${quote(file)} COMPRESSION 'none'`;
  return `${sql.slice(0, clause.index)}${source}${sql.slice(clause.index)}`;
}

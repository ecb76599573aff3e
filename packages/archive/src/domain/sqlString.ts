/**
 * A string literal of ClickHouse SQL, for what no `{name: Type}` can carry: arguments of table
 * functions, and pinned inputs that are longer than a URL may be.
 */
export function sqlString(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}

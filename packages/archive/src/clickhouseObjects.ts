import { resolve } from "node:path";
import { ARCHIVE_COLUMNS, type ColumnType } from "./domain/columns.ts";
import { sqlString } from "./domain/sqlString.ts";
import { assertObjectPath } from "./objectStore.ts";

/** How the ClickHouse engine reads objects of the archive. */
export interface ClickHouseObjects {
  /**
   * SQL of a sub-query that gives the rows of the objects, with the columns of the archive, a
   * column `path` and a column `row` from 0. Absent fields read as the type's default, `''` or 0.
   *
   * An object that is missing gives no rows, and not everywhere an error: callers compare counts.
   *
   * @throws {RangeError} without paths, or when one is not that of an object.
   */
  rowsOf(paths: readonly string[]): string;
}

/** Names in one `{a,b}` pattern; the engine expands at most 1,000. */
const PATHS_PER_PATTERN_MAX = 500;

const CLICKHOUSE_TYPES = {
  string: "String",
  int32: "Int32",
  int64: "Int64",
  timestamp_ms: "DateTime64(3, 'UTC')",
  bool: "Bool",
  bytes: "String",
  hash128: "FixedString(16)",
} as const satisfies Record<ColumnType, string>;

/** Long texts with few different values, which are hashed and searched: once a value, not once a row. */
const BY_VALUE: ReadonlySet<string> = new Set(["user_agent", "flags"]);

/** The columns of an object as the engine is to read them, whichever of them it has. */
export const STRUCTURE = ARCHIVE_COLUMNS.map(({ name, type }) => {
  const plain = CLICKHOUSE_TYPES[type];
  return `\`${name}\` ${BY_VALUE.has(name) ? `LowCardinality(${plain})` : plain}`;
}).join(", ");

/**
 * Objects that are files below a folder which the engine can read, too.
 *
 * @throws {RangeError} if the folder's own name would be taken for a pattern.
 */
export function createFolderObjects(root: string): ClickHouseObjects {
  const base = resolve(root);
  if (/[*?{}[\]]/.test(base)) throw new RangeError(`the object folder is a pattern: ${base}`);

  return { rowsOf: (paths) => selectsOf(paths, (some) => selectFiles(base, some)) };
}

/**
 * A sub-query over any number of objects, of parts that each name as many as the engine takes.
 *
 * @throws {RangeError} without paths, or when one is not that of an object.
 */
export function selectsOf(
  paths: readonly string[],
  select: (some: readonly string[]) => string,
): string {
  if (paths.length === 0) throw new RangeError("rowsOf needs at least one path");
  for (const path of paths) assertObjectPath(path);
  const selects: string[] = [];
  for (let start = 0; start < paths.length; start += PATHS_PER_PATTERN_MAX) {
    selects.push(select(paths.slice(start, start + PATHS_PER_PATTERN_MAX)));
  }
  return `(${selects.join(" UNION ALL ")})`;
}

function selectFiles(base: string, paths: readonly string[]): string {
  const pattern = sqlString(`${base}/{${paths.join(",")}}`);
  // `_path` begins with a slash: the folder's name and one more go, and SQL counts from 1.
  const path = `substring(_path, ${Buffer.byteLength(base) + 2})`;
  return `SELECT *, ${path} AS path, _row_number AS row
    FROM file(${pattern}, 'Parquet', ${sqlString(STRUCTURE)})`;
}

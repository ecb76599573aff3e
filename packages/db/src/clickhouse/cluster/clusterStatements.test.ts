import { describe, expect, it } from "vitest";
import { readMigrations } from "../migrate.ts";
import { clusterStatements, UnknownStatementError } from "./clusterStatements.ts";
import { localTable, SHARDED_BY, shardedTable, shardingKey } from "./shardedTables.ts";
import { endOfBrackets, readSql } from "./sqlText.ts";

const CLUSTER = { name: "clicks", replicas: 2 };
const render = (sql: string) => clusterStatements(sql, CLUSTER);
const squeeze = (sql: string) => sql.replace(/\s+/g, " ").trim();
const ON = "ON CLUSTER 'clicks'";
const PATH = "'/clickhouse/tables/{shard}/{database}/{table}', '{replica}'";

const migrations = (await readMigrations()).map((sql) => readSql(sql));
const created = migrations.flatMap((statement) => {
  const begin = /^CREATE TABLE IF NOT EXISTS (\w+)\s*/.exec(statement.mask);
  if (begin === null) return [];
  const columnsEnd = endOfBrackets(statement, begin[0].length);
  const columns = statement.text.slice(begin[0].length, columnsEnd);
  return [{ name: begin[1] ?? "", columns, rest: statement.text.slice(columnsEnd) }];
});

describe("the schema on a cluster", () => {
  // A table that is forgotten here would be made on one node alone.
  it("has every table that migrations make, and no other", () => {
    expect(created.map(({ name }) => name).sort()).toEqual(Object.keys(SHARDED_BY).sort());
  });

  // A shard folds what it has: versions of a row on two shards would both be counted.
  it("spreads rows by a column, and folded ones by one of their sorting key", () => {
    for (const { name, columns, rest } of created) {
      const column = SHARDED_BY[shardedTable(name)];
      expect(columns, name).toMatch(new RegExp(`^\\s+${column} `, "m"));
      if (/ENGINE = MergeTree\b/.test(rest)) continue;
      expect(/ORDER BY \(([^)]*)\)/.exec(rest)?.[1]?.split(/,\s*/), name).toContain(column);
    }
  });

  it.each(created)(
    "makes $name replicated on every shard, and one table over all of them",
    (table) => {
      const local = localTable(shardedTable(table.name));
      const [first, second, ...others] = render(
        `CREATE TABLE IF NOT EXISTS ${table.name} ${table.columns}${table.rest};`,
      );
      const engine = table.rest.replace(
        /ENGINE = (\w*MergeTree)(?:\((.*?)\))?/,
        (_all, family: string, given?: string) =>
          `ENGINE = Replicated${family}(${PATH}${given === undefined ? "" : `, ${given}`})`,
      );
      expect(squeeze(first ?? "")).toBe(
        squeeze(`CREATE TABLE IF NOT EXISTS ${local} ${ON} ${table.columns} ${engine}`),
      );
      expect(squeeze(second ?? "")).toBe(
        `CREATE TABLE IF NOT EXISTS ${table.name} ${ON} AS ${local} ENGINE = Distributed('clicks', currentDatabase(), '${local}', ${shardingKey(shardedTable(table.name))})`,
      );
      expect(others).toEqual([]);
    },
  );

  it("takes every migration there is, and each to every node", () => {
    const statements = migrations.flatMap(({ text }) => render(text));
    expect(statements.length).toBeGreaterThan(migrations.length);
    for (const statement of statements) {
      expect(statement).toMatch(
        /^(?:CREATE TABLE IF NOT EXISTS|ALTER TABLE) \w+ ON CLUSTER 'clicks'\s/,
      );
    }
  });
});

const CHANGES: readonly (readonly [string, readonly string[]])[] = [
  [
    "ALTER TABLE hot_hours ADD COLUMN IF NOT EXISTS a UInt16 DEFAULT 1, MODIFY COLUMN b UInt64 CODEC(NONE)",
    [
      `ALTER TABLE hot_hours_local ${ON} ADD COLUMN IF NOT EXISTS a UInt16 DEFAULT 1, MODIFY COLUMN b UInt64 CODEC(NONE)`,
      `ALTER TABLE hot_hours ${ON} ADD COLUMN IF NOT EXISTS a UInt16 DEFAULT 1, MODIFY COLUMN b UInt64 CODEC(NONE)`,
    ],
  ],
  [
    "-- Why; not (a, b'c.\nALTER TABLE hot_hours ADD COLUMN IF NOT EXISTS a String DEFAULT 'x, y; -- (', ADD INDEX i a TYPE set(5);",
    [
      `ALTER TABLE hot_hours_local ${ON} ADD COLUMN IF NOT EXISTS a String DEFAULT 'x, y; -- (', ADD INDEX i a TYPE set(5)`,
      `ALTER TABLE hot_hours ${ON} ADD COLUMN IF NOT EXISTS a String DEFAULT 'x, y; -- ('`,
    ],
  ],
  [
    "ALTER TABLE hot_minutes MODIFY TTL written_at + INTERVAL 48 HOUR SETTINGS materialize_ttl_after_modify = 0",
    [
      `ALTER TABLE hot_minutes_local ${ON} MODIFY TTL written_at + INTERVAL 48 HOUR SETTINGS materialize_ttl_after_modify = 0`,
    ],
  ],
  [
    "ALTER TABLE truth_keys\n    DROP PARTITION ({buildId: UInt64}, fromUnixTimestamp(5))",
    [`ALTER TABLE truth_keys_local ${ON} DROP PARTITION ({buildId: UInt64}, fromUnixTimestamp(5))`],
  ],
  [
    "DELETE FROM truth_cube\n WHERE build_id IN ({builds: Array(UInt64)})",
    [`DELETE FROM truth_cube_local ${ON} WHERE build_id IN ({builds: Array(UInt64)})`],
  ],
  [
    "CREATE NAMED COLLECTION IF NOT EXISTS archive AS url = 'http://x/;'",
    [`CREATE NAMED COLLECTION IF NOT EXISTS archive ${ON} AS url = 'http://x/;'`],
  ],
];

describe("a statement on a cluster", () => {
  it.each(CHANGES)("goes to the tables below where it changes them: %s", (sql, expected) => {
    expect(render(sql).map(squeeze)).toEqual(expected.map(squeeze));
  });

  it.each([
    "SELECT 1 FROM hot_minutes FINAL",
    "  -- Why.\n  WITH a AS (SELECT 1) SELECT * FROM a",
    "INSERT INTO truth_cube (a) SELECT 1 FROM truth_keys",
    "INSERT INTO hot_users FORMAT RowBinary",
  ])("is itself where it reads or adds: %s", (sql) => {
    expect(render(sql)).toEqual([sql]);
  });

  // What nobody has thought of may do its work on one node, or on a table that holds nothing.
  it.each([
    "OPTIMIZE TABLE hot_minutes FINAL",
    "TRUNCATE TABLE hot_minutes",
    "DROP TABLE hot_minutes",
    "RENAME TABLE hot_minutes TO other",
    "CREATE TABLE hot_minutes (a String) ENGINE = MergeTree ORDER BY a",
    "CREATE TABLE IF NOT EXISTS hot_minutes (a String) ENGINE = Memory",
    "CREATE TABLE IF NOT EXISTS hot_minutes AS hot_hours",
    "CREATE MATERIALIZED VIEW IF NOT EXISTS hot_view AS SELECT 1",
    "ALTER TABLE hot_minutes UPDATE clicks = 0 WHERE true",
    "ALTER TABLE hot_minutes DELETE WHERE true",
    "ALTER TABLE hot_minutes ADD COLUMN a String, MODIFY ORDER BY a",
    "DELETE FROM hot_minutes",
    "KILL QUERY WHERE true",
    "SYSTEM FLUSH LOGS",
    "",
  ])("is refused where it is of no known kind: %s", (sql) => {
    expect(() => render(sql)).toThrow(UnknownStatementError);
  });

  it.each([
    "CREATE TABLE IF NOT EXISTS new_table (a String) ENGINE = MergeTree ORDER BY a",
    "ALTER TABLE new_table ADD COLUMN a String",
    "INSERT INTO new_table VALUES (1)",
    "DELETE FROM new_table WHERE true",
    "INSERT INTO toString VALUES (1)",
  ])("is refused for a table of which nobody said how it is spread: %s", (sql) => {
    expect(() => render(sql)).toThrow(RangeError);
  });
});

import type { ClickHouseCluster } from "./clickhouseCluster.ts";
import { localTable, shardedTable, shardingKey } from "./shardedTables.ts";
import { endOfBrackets, readSql, type SqlText, splitAtCommas } from "./sqlText.ts";

/** A statement that nobody has thought through for a cluster. */
export class UnknownStatementError extends Error {
  override readonly name = "UnknownStatementError";

  constructor(text: string) {
    super(`what this statement means on a cluster is not known: ${text.slice(0, 200)}`);
  }
}

/**
 * The statements that a statement for one engine is on a cluster, in their order. Queries and inserts
 * are themselves: under a table's name they find its `Distributed` one. What changes tables or their
 * rows goes to the replicated tables below, on every node.
 *
 * Each is harmless when repeated if the given one is, so a crash between two leaves nothing to mend.
 *
 * @throws {UnknownStatementError} for any kind that is not known here.
 * @throws {RangeError} for a table without a sharding key.
 */
export function clusterStatements(sql: string, cluster: ClickHouseCluster): readonly string[] {
  const statement = readSql(sql);
  const kind = KINDS.find(({ begins }) => begins.test(statement.mask));
  const begin = kind?.begins.exec(statement.mask);
  if (kind === undefined || begin === undefined || begin === null) {
    throw new UnknownStatementError(statement.text);
  }
  return (
    kind.render(
      { ...statement, name: begin[1] ?? "", end: begin[0].length },
      `ON CLUSTER '${cluster.name}'`,
      cluster,
    ) ?? [sql]
  );
}

interface Begun extends SqlText {
  /** Of the table, or of what the statement is about. */
  readonly name: string;
  /** Where the statement goes on. */
  readonly end: number;
}

interface Kind {
  readonly begins: RegExp;
  /** Null: the statement as it was given. */
  readonly render: (
    statement: Begun,
    onCluster: string,
    cluster: ClickHouseCluster,
  ) => readonly string[] | null;
}

const KINDS: readonly Kind[] = [
  { begins: /^(?:SELECT|WITH)\b/i, render: () => null },
  {
    begins: /^INSERT\s+INTO\s+(\w+)(?=[\s(])/i,
    render: ({ name }) => {
      shardedTable(name);
      return null;
    },
  },
  { begins: /^CREATE\s+TABLE\s+IF\s+NOT\s+EXISTS\s+(\w+)\s*(?=\()/i, render: createTable },
  { begins: /^ALTER\s+TABLE\s+(\w+)\s+/i, render: alterTable },
  {
    begins: /^DELETE\s+FROM\s+(\w+)\s+(?=WHERE\b)/i,
    render: ({ text, name, end }, onCluster) => [
      `DELETE FROM ${localTable(shardedTable(name))} ${onCluster} ${text.slice(end)}`,
    ],
  },
  {
    begins: /^CREATE\s+NAMED\s+COLLECTION\s+IF\s+NOT\s+EXISTS\s+(\w+)\s+(?=AS\b)/i,
    render: ({ text, name, end }, onCluster) => [
      `CREATE NAMED COLLECTION IF NOT EXISTS ${name} ${onCluster} ${text.slice(end)}`,
    ],
  },
];

/** Replicas of one shard share a path in the keeper; `{shard}` and `{replica}` are the nodes' macros. */
const REPLICA = "'/clickhouse/tables/{shard}/{database}/{table}', '{replica}'";

function createTable(
  statement: Begun,
  onCluster: string,
  { name: cluster }: ClickHouseCluster,
): readonly string[] {
  const { text, mask, name, end } = statement;
  const table = shardedTable(name);
  const columnsEnd = endOfBrackets(statement, end);
  const engine = /^\s*ENGINE\s*=\s*(\w*MergeTree)\b/i.exec(mask.slice(columnsEnd));
  if (columnsEnd < 0 || engine === null) throw new UnknownStatementError(text);
  const engineEnd = columnsEnd + engine[0].length;
  const hasArguments = mask.charAt(engineEnd) === "(";
  const argumentsEnd = hasArguments ? endOfBrackets(statement, engineEnd) : engineEnd;
  const given = hasArguments ? text.slice(engineEnd + 1, argumentsEnd - 1).trim() : "";
  const replicated = `Replicated${engine[1]}(${REPLICA}${given === "" ? "" : `, ${given}`})`;
  const local = localTable(table);
  return [
    `CREATE TABLE IF NOT EXISTS ${local} ${onCluster}
${text.slice(end, columnsEnd)}
ENGINE = ${replicated}${text.slice(argumentsEnd)}`,
    `CREATE TABLE IF NOT EXISTS ${table} ${onCluster} AS ${local}
ENGINE = Distributed('${cluster}', currentDatabase(), '${local}', ${shardingKey(table)})`,
  ];
}

/** Of columns, which the table above has as well. */
const OF_COLUMNS = /^(?:ADD|MODIFY|DROP|RENAME|COMMENT)\s+COLUMN\b/i;
/** Of how rows are kept, and of rows. */
const OF_ROWS =
  /^(?:(?:ADD|DROP)\s+INDEX|MODIFY\s+(?:TTL|SETTING)|REMOVE\s+TTL|DROP\s+PARTITION)\b/i;

function alterTable(statement: Begun, onCluster: string): readonly string[] {
  const { text, name, end } = statement;
  const table = shardedTable(name);
  const actions = splitAtCommas(statement, end);
  const ofColumns = actions.filter((action) => OF_COLUMNS.test(action));
  if (!actions.every((action) => OF_COLUMNS.test(action) || OF_ROWS.test(action))) {
    throw new UnknownStatementError(text);
  }
  return [
    `ALTER TABLE ${localTable(table)} ${onCluster} ${text.slice(end)}`,
    ...(ofColumns.length === 0
      ? []
      : [`ALTER TABLE ${table} ${onCluster} ${ofColumns.join(", ")}`]),
  ];
}

/**
 * Tables in the memory of the engine, for what nobody asks for a moment later. They are known to the engine
 * that made them alone, so on a cluster there are none.
 */
import type { ClickHouseClient, ClickHouseSettings } from "@clickhouse/client";
import { HOUR_MS } from "@trueclick/shared/time";
import { z } from "zod";

/** Tables with columns of another one, which is on disk; each has a name that begins with its. */
export interface MemoryTablesLike {
  readonly like: string;
  /** Columns as `CREATE TABLE` has them; all of the other one unless said. */
  readonly columns?: string | undefined;
  /**
   * A column that nothing writes 0 to. The first row of a table has it: that is gone once the engine was started
   * anew, whatever came after.
   */
  readonly marked: string;
  /** How the names of the statements begin. */
  readonly step: string;
  /** Rows of all of them that are at work, and of those that processes that died have left. */
  readonly rowsMax: number;
}

export interface MemoryTables {
  /**
   * Makes one with the mark in it, if there is one engine and room in its memory.
   *
   * @param table A name that no other process makes one by.
   * @param rows Most that will be written to it.
   * @returns Whether it is there now.
   */
  make(table: string, rows: number): Promise<boolean>;
  /** @throws when what was written is gone, as all is from memory once the engine was started anew. */
  requireWhole(table: string): Promise<void>;
  /** Idempotent; nothing to do for one that `make` did not make. */
  drop(table: string): Promise<void>;
  /** The same, but never throws: what is left goes by its age. */
  release(table: string): Promise<void>;
}

/** Much longer than anything is at work on one: what is older was left by a process that died. */
const LEFT_AFTER_MS = HOUR_MS;
const PLAIN_ENGINES = ["MergeTree", "ReplacingMergeTree"];

const engineRow = z.object({ engine: z.string() });
const keptRow = z.object({ name: z.string(), sinceMs: z.coerce.number(), rows: z.coerce.number() });
const countRow = z.tuple([z.object({ rows: z.coerce.number() })]);

export function memoryTables(
  clickhouse: ClickHouseClient,
  settings: ClickHouseSettings,
  { like, columns, marked, step, rowsMax }: MemoryTablesLike,
): MemoryTables {
  const optionsOf = (name: string) => ({
    clickhouse_settings: { ...settings, log_comment: `${step}.${name}` },
  });
  const ask = async <Rows>(name: string, query: string, rows: z.ZodType<Rows>) => {
    const result = await clickhouse.query({ query, format: "JSONEachRow", ...optionsOf(name) });
    return rows.parse(await result.json());
  };
  const command = async (name: string, query: string) => {
    await clickhouse.command({ query, ...optionsOf(name) });
  };
  /** Those that this process has begun to make. */
  const own = new Set<string>();
  const drop = async (table: string) => {
    if (!own.has(table)) return;
    await command("drop", dropSql(table));
    own.delete(table);
  };
  /** As is told by where the other table is. */
  let oneEngine: Promise<boolean> | null = null;
  const isOneEngine = async () => {
    oneEngine ??= ask("engine", engineSql(like), z.array(engineRow)).then((rows) =>
      rows.every(({ engine }) => PLAIN_ENGINES.includes(engine)),
    );
    try {
      return await oneEngine;
    } catch (cause) {
      oneEngine = null;
      throw cause;
    }
  };
  /** Rows of all that are at work, once those are dropped that nobody knows of any more. */
  const rowsKept = async () => {
    const kept = await ask("kept", keptSql(like), z.array(keptRow));
    const beforeMs = Date.now() - LEFT_AFTER_MS;
    const isLeft = ({ sinceMs }: z.infer<typeof keptRow>) => sinceMs < beforeMs;
    for (const { name } of kept.filter(isLeft)) await command("drop", dropSql(name));
    return kept.filter((one) => !isLeft(one)).reduce((sum, { rows }) => sum + rows, 0);
  };

  return {
    drop,

    async make(table, rows) {
      if (rows > rowsMax || !(await isOneEngine())) return false;
      // Before it is there: when that fails, it may be all the same.
      own.add(table);
      await command("create", createSql(table, { like, columns }, { sinceMs: Date.now(), rows }));
      // This one is among them, and so are those that others make at the same time.
      if ((await rowsKept()) > rowsMax) {
        await drop(table);
        return false;
      }
      await command("mark", markSql(table, marked));
      return true;
    },

    async requireWhole(table) {
      const [{ rows: marks }] = await ask("whole", wholeSql(table, marked), countRow);
      if (marks > 0) return;
      throw new Error(`${table} is not what it was: the engine was started anew`);
    },

    async release(table) {
      await Promise.allSettled([drop(table)]);
    },
  };
}

// Sent to one engine alone, as a test of all statements has it: a cluster's client refuses them.
const createSql = (
  table: string,
  { like, columns }: Pick<MemoryTablesLike, "like" | "columns">,
  kept: { sinceMs: number; rows: number },
) =>
  `CREATE TABLE ${table} ${columns === undefined ? `AS ${like}` : `(${columns})`}
    ENGINE = Memory COMMENT '${kept.sinceMs} ${kept.rows}'`;
// Whatever was made of it: a filter that a process has left must not keep its table, nor anybody from searching.
const dropSql = (table: string) =>
  `DROP TABLE IF EXISTS ${table} SYNC SETTINGS check_table_dependencies = 0`;

const markSql = (table: string, marked: string) => `INSERT INTO ${table} (${marked}) SELECT 0`;
const wholeSql = (table: string, marked: string) =>
  `SELECT count() AS rows FROM ${table} WHERE ${marked} = 0`;
const engineSql = (like: string) => `
  SELECT engine FROM system.tables WHERE database = currentDatabase() AND name = '${like}'`;
const keptSql = (like: string) => `
  SELECT name, toInt64OrZero(splitByChar(' ', comment)[1]) AS sinceMs,
    toInt64OrZero(splitByChar(' ', comment)[2]) AS rows
  FROM system.tables
  WHERE database = currentDatabase() AND engine = 'Memory' AND startsWith(name, '${like}_')`;

/** The SQL by which such tables are kept, by the names of its queries. */
export function memoryTablesProgram(tables: MemoryTablesLike): Record<string, string> {
  const { like, marked, step } = tables;
  return {
    [`${step}.engine`]: engineSql(like),
    [`${step}.create`]: createSql("made", tables, { sinceMs: 0, rows: 0 }),
    [`${step}.kept`]: keptSql(like),
    [`${step}.mark`]: markSql("made", marked),
    [`${step}.whole`]: wholeSql("made", marked),
    [`${step}.drop`]: dropSql("made"),
  };
}

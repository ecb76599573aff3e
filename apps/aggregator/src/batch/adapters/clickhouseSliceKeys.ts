/**
 * Where the keys of a slice lie while it is judged: on the engine's disk, in the table that all slices
 * share, or in its memory, in a table of the slice's own. That is known to the engine that made it alone,
 * so on a cluster all keys are on disk.
 */
import type { ClickHouseClient, ClickHouseSettings } from "@clickhouse/client";
import { HOUR_MS, SECOND_MS } from "@trueclick/shared/time";
import { z } from "zod";
import { dropRows, KEYS_ON_DISK } from "../domain/sliceSql.ts";
import type { Slice } from "../domain/slices.ts";
import type { Build } from "../ports/truthEngine.ts";

/** What may be in memory; a row of the keys takes some 160 bytes there. */
export interface KeysMemory {
  /** Rows of one slice, as its objects have them. */
  readonly sliceRowsMax: number;
  /** Rows of all slices that are at work, and of those that attempts that died have left. */
  readonly rowsMax: number;
}

/** 200 MB and 400. */
export const KEYS_MEMORY: KeysMemory = { sliceRowsMax: 1_250_000, rowsMax: 2_500_000 };

/** Much longer than a slice is at work: what is older was left by an attempt that died. */
const LEFT_AFTER_MS = HOUR_MS;

type OfBuild = Pick<Build, "jobId">;
type OfSlice = Pick<Slice, "firstHourMs" | "objects">;

export interface SliceKeys {
  /**
   * Tells where the keys of a slice are to be written, and makes the table if it is of its own.
   *
   * @returns The table.
   */
  create(build: OfBuild, slice: OfSlice): Promise<string>;
  /** Remembers how many keys there are in memory, once all are written. */
  written(build: OfBuild, slice: OfSlice): Promise<void>;
  /** The table of a slice whose keys are written. */
  tableOf(build: OfBuild, slice: OfSlice): string;
  /** @throws when keys are gone from memory, as all are once the engine was started anew. */
  requireWhole(build: OfBuild, slice: OfSlice): Promise<void>;
  /** Idempotent. */
  drop(build: OfBuild, slice: OfSlice): Promise<void>;
  /** Drops what is in memory of a build, whatever its slices came to. Never throws: what is left goes by its age. */
  release(jobId: bigint): Promise<void>;
}

const engineRow = z.object({ engine: z.string() });
const keptRow = z.object({ name: z.string(), sinceMs: z.coerce.number(), rows: z.coerce.number() });
const countRow = z.tuple([z.object({ rows: z.coerce.number().int() })]);

export function createSliceKeys(
  clickhouse: ClickHouseClient,
  settings: ClickHouseSettings,
  { sliceRowsMax, rowsMax }: KeysMemory,
): SliceKeys {
  const memory = memoryTables(clickhouse, settings);
  /** The tables in memory that this process has made, each with its rows once they are written. */
  const own = new Map<string, { readonly jobId: bigint; rows: number | null }>();
  const ownOf = (build: OfBuild, slice: OfSlice) => own.get(nameOf(build, slice));
  const drop = async (table: string) => {
    await memory.drop(table);
    own.delete(table);
  };

  return {
    async create(build, slice) {
      const rows = slice.objects.reduce((sum, object) => sum + object.rows, 0);
      if (rows > sliceRowsMax || !(await memory.isKnownToAll())) return KEYS_ON_DISK;
      const table = nameOf(build, slice);
      own.set(table, { jobId: build.jobId, rows: null });
      await memory.create(table, rows);
      // This one is among them, and so are those that others make at the same time.
      if ((await memory.rowsKept()) <= rowsMax) return table;
      await drop(table);
      return KEYS_ON_DISK;
    },

    async written(build, slice) {
      const kept = ownOf(build, slice);
      if (kept !== undefined) kept.rows = await memory.count(nameOf(build, slice));
    },

    tableOf: (build, slice) =>
      ownOf(build, slice) === undefined ? KEYS_ON_DISK : nameOf(build, slice),

    async requireWhole(build, slice) {
      const expected = ownOf(build, slice)?.rows;
      if (expected === undefined) return;
      const table = nameOf(build, slice);
      const rows = await memory.count(table);
      if (rows !== expected) throw new Error(`${table} has ${rows} rows, and not ${expected}`);
    },

    async drop(build, slice) {
      if (ownOf(build, slice) !== undefined) return drop(nameOf(build, slice));
      await clickhouse.command({
        query: dropRows(KEYS_ON_DISK, slice),
        query_params: { buildId: build.jobId.toString() },
        clickhouse_settings: { ...settings, log_comment: "batch.keys.drop" },
      });
    },

    async release(jobId) {
      const tables = [...own].filter(([, kept]) => kept.jobId === jobId).map(([table]) => table);
      await Promise.allSettled(tables.map(drop));
      for (const table of tables) own.delete(table);
    },
  };
}

/** The statements on such tables. */
function memoryTables(clickhouse: ClickHouseClient, settings: ClickHouseSettings) {
  const optionsOf = (name: string) => ({ clickhouse_settings: { ...settings, log_comment: name } });
  const ask = async <Rows>(name: string, query: string, rows: z.ZodType<Rows>) => {
    const result = await clickhouse.query({ query, format: "JSONEachRow", ...optionsOf(name) });
    return rows.parse(await result.json());
  };
  const drop = async (table: string) => {
    await clickhouse.command({ query: dropSql(table), ...optionsOf("batch.keys.drop") });
  };
  let oneEngine: Promise<boolean> | null = null;
  return {
    drop,

    /** Whether all statements go to one engine, as is told by where the keys on disk are. */
    async isKnownToAll(): Promise<boolean> {
      oneEngine ??= ask("batch.keys.engine", ENGINE, z.array(engineRow)).then((rows) =>
        rows.every(({ engine }) => engine === "MergeTree"),
      );
      try {
        return await oneEngine;
      } catch (cause) {
        oneEngine = null;
        throw cause;
      }
    },

    /** @param rows Most that will be written to it. */
    async create(table: string, rows: number) {
      const query = createSql(table, Date.now(), rows);
      await clickhouse.command({ query, ...optionsOf("batch.keys.create") });
    },

    /** Rows of all that are at work, once those are dropped that nobody knows of any more. */
    async rowsKept(): Promise<number> {
      const kept = await ask("batch.keys.kept", KEPT, z.array(keptRow));
      const beforeMs = Date.now() - LEFT_AFTER_MS;
      const isLeft = ({ sinceMs }: z.infer<typeof keptRow>) => sinceMs < beforeMs;
      for (const { name } of kept.filter(isLeft)) await drop(name);
      return kept.filter((one) => !isLeft(one)).reduce((sum, { rows }) => sum + rows, 0);
    },

    async count(table: string): Promise<number> {
      const [{ rows }] = await ask("batch.keys.count", countSql(table), countRow);
      return rows;
    },
  };
}

/** No other build has this id, and no other slice of the build this hour. */
const nameOf = ({ jobId }: OfBuild, { firstHourMs }: OfSlice) =>
  `${KEYS_ON_DISK}_${jobId}_${firstHourMs / SECOND_MS}`;

// Sent to one engine alone, as a test of all statements has it: a cluster's client refuses them.
const createSql = (table: string, nowMs: number, rows: number) =>
  `CREATE TABLE ${table} AS ${KEYS_ON_DISK} ENGINE = Memory COMMENT '${nowMs} ${rows}'`;
const dropSql = (table: string) => `DROP TABLE IF EXISTS ${table} SYNC`;

const countSql = (table: string) => `SELECT count() AS rows FROM ${table}`;
const ENGINE = `
  SELECT engine FROM system.tables WHERE database = currentDatabase() AND name = '${KEYS_ON_DISK}'`;
const KEPT = `
  SELECT name, toInt64OrZero(splitByChar(' ', comment)[1]) AS sinceMs,
    toInt64OrZero(splitByChar(' ', comment)[2]) AS rows
  FROM system.tables
  WHERE database = currentDatabase() AND engine = 'Memory' AND startsWith(name, '${KEYS_ON_DISK}_')`;

/** The SQL by which the keys of a slice are kept, by the names of its queries. */
export const SLICE_KEYS_PROGRAM: Readonly<Record<string, string>> = {
  "batch.keys.engine": ENGINE,
  "batch.keys.create": createSql("keys", 0, 0),
  "batch.keys.kept": KEPT,
  "batch.keys.count": countSql("keys"),
  "batch.keys.drop": `${dropSql("keys")}; ${dropRows(KEYS_ON_DISK, { firstHourMs: 0 })}`,
};

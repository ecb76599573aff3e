/**
 * Filters in the memory of the engine, as dictionaries of keys alone: the engine keeps which keys they have as
 * bits, and tells in 2 ns a row whether it has one, where a set of a million takes 20 to 30.
 */
import {
  type ClickHouseClient,
  ClickHouseError,
  type ClickHouseSettings,
} from "@clickhouse/client";
import { HOUR_MS } from "@trueclick/shared/time";
import { z } from "zod";
import { type KeyFilter, planKeyFilter, slotsSql } from "../domain/keyFilter.ts";

export interface KeyFilters {
  /**
   * Makes a filter of all numbers of a table in memory, once all are there. As long as the table is whole
   * afterwards, whoever is ruled out was not in it: an engine that was started anew makes the filter again, of
   * the table that is empty then.
   *
   * @param table Its only engine knows it; the filter's name begins with its.
   * @param number SQL over the table, of a UInt64.
   * @param rows Most that it has.
   * @returns null where the engine makes none, as one does not that lets nobody read it as its own user: who
   *   asks for all numbers comes to the same.
   */
  make(table: string, number: string, rows: number): Promise<KeyFilter | null>;
  /** Idempotent, and never throws: what is left goes by its age. */
  release(table: string): Promise<void>;
}

const NAMED = "_filter";
/** Much longer than anything is looked up: what is older was left by a process that died. */
const LEFT_AFTER_MS = HOUR_MS;

const databaseRow = z.tuple([z.object({ database: z.string() })]);
const leftRow = z.object({ name: z.string() });

/** @param like How the names of the tables begin that filters are made of. */
export function keyFilters(
  clickhouse: ClickHouseClient,
  settings: ClickHouseSettings,
  like: string,
): KeyFilters {
  const optionsOf = (name: keyof typeof KEY_FILTERS_PROGRAM) => ({
    clickhouse_settings: { ...settings, log_comment: name },
  });
  const ask = async <Rows>(
    name: keyof typeof KEY_FILTERS_PROGRAM,
    query: string,
    rows: z.ZodType<Rows>,
  ) => {
    const result = await clickhouse.query({ query, format: "JSONEachRow", ...optionsOf(name) });
    return rows.parse(await result.json());
  };
  const drop = async (name: string) => {
    await clickhouse.command({ query: dropSql(name), ...optionsOf("batch.filter.drop") });
  };
  /** Those that this process has begun to make. */
  const own = new Set<string>();
  const release = async (name: string) => {
    if (!own.has(name)) return;
    const [dropped] = await Promise.allSettled([drop(name)]);
    if (dropped.status === "fulfilled") own.delete(name);
  };
  const dropLeft = async () => {
    const beforeMs = Date.now() - LEFT_AFTER_MS;
    const left = await ask("batch.filter.left", leftSql(like, beforeMs), z.array(leftRow));
    for (const { name } of left) await drop(name);
  };

  return {
    async make(table, number, rows) {
      await dropLeft();
      const filter = planKeyFilter(`${table}${NAMED}`, rows);
      const [{ database }] = await ask("batch.filter.database", DATABASE, databaseRow);
      own.add(filter.name);
      try {
        await clickhouse.command({
          query: createSql(filter, slotsOf(filter, `\`${database}\`.${table}`, number), Date.now()),
          ...optionsOf("batch.filter.create"),
        });
        // Read now: else the search would be the one that fails.
        await ask("batch.filter.load", loadSql(filter), z.array(z.object({})));
        return filter;
      } catch (error) {
        if (!(error instanceof ClickHouseError)) throw error;
        await release(filter.name);
        return null;
      }
    },

    release: (table) => release(`${table}${NAMED}`),
  };
}

const DATABASE = "SELECT currentDatabase() AS database";

function slotsOf(filter: KeyFilter, table: string, number: string): string {
  const { first, second } = slotsSql(filter, number);
  return `SELECT arrayJoin([toUInt64(${first}), toUInt64(${second})]) AS slot FROM ${table}`;
}

// Sent to one engine alone, as are the tables: a cluster's client refuses them.
const createSql = ({ name, slots }: KeyFilter, query: string, sinceMs: number) =>
  `CREATE DICTIONARY ${name} (slot UInt64) PRIMARY KEY slot
    SOURCE(CLICKHOUSE(QUERY '${query}'))
    LAYOUT(FLAT(INITIAL_ARRAY_SIZE ${2 * slots} MAX_ARRAY_SIZE ${2 * slots}))
    LIFETIME(0) COMMENT '${sinceMs}'`;
const dropSql = (name: string) => `DROP DICTIONARY IF EXISTS ${name} SYNC`;
const loadSql = ({ name }: KeyFilter) => `SELECT dictHas('${name}', 0) AS has`;
const leftSql = (like: string, beforeMs: number) => `
  SELECT name FROM system.tables
  WHERE database = currentDatabase() AND engine = 'Dictionary' AND startsWith(name, '${like}_')
    AND toInt64OrZero(comment) < ${beforeMs}`;

const made = planKeyFilter("made", 0);
/** The SQL by which filters are kept, by the names of its queries. */
export const KEY_FILTERS_PROGRAM = {
  "batch.filter.database": DATABASE,
  "batch.filter.create": createSql(made, slotsOf(made, "memory", "number"), 0),
  "batch.filter.load": loadSql(made),
  "batch.filter.left": leftSql("memory", 0),
  "batch.filter.drop": dropSql("made"),
};

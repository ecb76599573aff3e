import pg from "pg";
import { LogUnavailableError, UnknownTopicError } from "../port.ts";
import { ValueQuery, type ValueStatement } from "./valueQuery.ts";

/** How long anything may take before it counts as unavailable, milliseconds. */
const CONNECT_TIMEOUT_MS = 5_000;
const STATEMENT_TIMEOUT_MS = 10_000;
/** For a server that no longer answers at all, not even that the statement timed out. */
const QUERY_TIMEOUT_MS = STATEMENT_TIMEOUT_MS + 2_000;

/** SQLSTATEs: there is no such schema or table, since nobody has created a topic yet. */
const NOTHING_CREATED_STATES: readonly unknown[] = ["3F000", "42P01"];

export interface PostgresConnection {
  /**
   * @throws {LogUnavailableError} Whatever went wrong: a fault of the database says nothing against
   *   the records, so they are always worth another try. The outcome is unknown.
   */
  query<Row extends pg.QueryResultRow>(sql: string, values: readonly unknown[]): Promise<Row[]>;
  /** The one value that a statement answers with, as text. @throws as `query`. */
  queryValue(statement: ValueStatement): Promise<string>;
  close(): Promise<void>;
}

/**
 * Connections to one database. They are opened when needed and anew after a fault, so recovery takes
 * no hands.
 */
export function openPostgres(connectionString: string, connectionsMax: number): PostgresConnection {
  const pool = new pg.Pool({
    connectionString,
    max: connectionsMax,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    query_timeout: QUERY_TIMEOUT_MS,
    keepAlive: true,
    application_name: "trueclick event log",
  });
  // The pool drops a broken idle connection by itself; without a listener the process would end.
  pool.on("error", () => undefined);
  const parsed = new WeakMap<pg.PoolClient, Set<string>>();
  return {
    query: async <Row extends pg.QueryResultRow>(text: string, values: readonly unknown[]) => {
      try {
        const { rows } = await pool.query<Row>(text, [...values]);
        return rows;
      } catch (cause) {
        throw unavailable(cause);
      }
    },
    queryValue: async (statement) => {
      try {
        return await queryValue(pool, parsed, statement);
      } catch (cause) {
        throw unavailable(cause);
      }
    },
    close: () => pool.end(),
  };
}

function unavailable(cause: unknown): LogUnavailableError {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new LogUnavailableError(`The Postgres event log is not available: ${message}`, { cause });
}

function ignore(): void {}

/** @param parsed Names of the statements that each connection has parsed. */
async function queryValue(
  pool: pg.Pool,
  parsed: WeakMap<pg.PoolClient, Set<string>>,
  statement: ValueStatement,
): Promise<string> {
  const client = await pool.connect();
  // A connection that breaks tells its statement too; unheard, the event would end the process.
  client.on("error", ignore);
  const names = parsed.get(client) ?? new Set();
  parsed.set(client, names);
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const settle = (error: Error | null, value?: string) => {
    if (error !== null) reject(error);
    else if (value === undefined) reject(new Error(`${statement.name} answered with no value`));
    else resolve(value);
  };
  try {
    client.query(new ValueQuery(statement, names.has(statement.name), settle));
    const value = await promise;
    names.add(statement.name);
    client.release();
    return value;
  } catch (error) {
    // What it does next is not known: the pool opens another in its place.
    client.release(true);
    throw error;
  } finally {
    client.off("error", ignore);
  }
}

export interface Topic {
  readonly id: number;
  readonly partitionCount: number;
}

/** @throws {UnknownTopicError | LogUnavailableError} */
export async function loadTopic(postgres: PostgresConnection, topic: string): Promise<Topic> {
  const [row] = await postgres
    .query<{ topic_id: number; partition_count: number }>(
      "SELECT topic_id, partition_count FROM event_log.topics WHERE topic = $1",
      [topic],
    )
    .catch((error: unknown) => {
      if (saysNothingCreated(error)) return [];
      throw error;
    });
  if (row === undefined) throw new UnknownTopicError(topic);
  return { id: row.topic_id, partitionCount: row.partition_count };
}

function saysNothingCreated(error: unknown): boolean {
  const cause = error instanceof LogUnavailableError ? error.cause : undefined;
  return cause instanceof pg.DatabaseError && NOTHING_CREATED_STATES.includes(cause.code);
}

import { drizzle, type NodePgDatabase } from "drizzle-orm/node-postgres";
import pg from "pg";

export type Database = NodePgDatabase;

/** A pool's limits. Statements that run longer than this are stopped by the server. */
const CONNECT_TIMEOUT_MS = 5_000;
const STATEMENT_TIMEOUT_MS = 30_000;
/** A process that is halted within a transaction must not hold its locks from who took over. */
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 10_000;

export interface OpenDatabase {
  readonly db: Database;
  readonly pool: pg.Pool;
  close(): Promise<void>;
}

/**
 * Opens a pool; connects on first use. `connectionsMax` bounds what this process holds at once.
 *
 * @param options.keepsIdle Whether connections stay open however long nobody needs them; else they are
 *   closed after some seconds. For who is asked now and then and waited for: to connect takes as long as
 *   some ten statements, and each statement takes longest on a connection that is new.
 */
export function openDatabase(
  url: string,
  options: { readonly connectionsMax: number; readonly keepsIdle?: boolean },
): OpenDatabase {
  const { connectionsMax, keepsIdle = false } = options;
  const pool = new pg.Pool({
    connectionString: url,
    max: connectionsMax,
    min: keepsIdle ? connectionsMax : 0,
    // What lies between would forget a connection that is silent for long, and tell nobody.
    keepAlive: true,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT_MS,
  });
  // A dropped idle connection is replaced at the next query; unheard, the event ends the process.
  pool.on("error", () => {});
  // The same of one that is dropped between the statements of a transaction; the next one fails.
  pool.on("connect", (client) => client.on("error", () => {}));
  return { db: drizzle({ client: pool, casing: "snake_case" }), pool, close: () => pool.end() };
}

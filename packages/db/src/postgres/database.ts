import { drizzle, type NodePgDatabase } from "drizzle-orm/node-postgres";
import pg from "pg";

export type Database = NodePgDatabase;

/** A pool's limits. Statements that run longer than this are stopped by the server. */
const CONNECT_TIMEOUT_MS = 5_000;
const STATEMENT_TIMEOUT_MS = 30_000;

export interface OpenDatabase {
  readonly db: Database;
  readonly pool: pg.Pool;
  close(): Promise<void>;
}

/** Opens a pool; connects on first use. `connectionsMax` bounds what this process holds at once. */
export function openDatabase(
  url: string,
  options: { readonly connectionsMax: number },
): OpenDatabase {
  const pool = new pg.Pool({
    connectionString: url,
    max: options.connectionsMax,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
  });
  // A dropped idle connection is replaced at the next query; unheard, the event ends the process.
  pool.on("error", () => {});
  return { db: drizzle({ client: pool, casing: "snake_case" }), pool, close: () => pool.end() };
}

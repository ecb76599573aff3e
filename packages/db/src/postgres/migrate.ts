import { fileURLToPath } from "node:url";
import { sql } from "drizzle-orm";
import { migrate } from "drizzle-orm/node-postgres/migrator";
import { openDatabase } from "./database.ts";

const MIGRATIONS = fileURLToPath(new URL("./migrations/", import.meta.url));
/** Any fixed number: the advisory lock that keeps two starting processes from migrating at once. */
const MIGRATION_LOCK = 7_281_001;

/** Brings a database to the newest schema. Safe to run at every start and from several processes. */
export async function migratePostgres(url: string): Promise<void> {
  // One connection, so that the session that holds the lock is the one that migrates.
  const { db, close } = openDatabase(url, { connectionsMax: 1 });
  try {
    await db.execute(sql`select pg_advisory_lock(${MIGRATION_LOCK})`);
    await migrate(db, { migrationsFolder: MIGRATIONS });
  } finally {
    await close();
  }
}

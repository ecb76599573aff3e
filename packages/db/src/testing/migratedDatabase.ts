import { createTestDatabase, type TestDatabase } from "@trueclick/local-stack/testing";
import { sql } from "drizzle-orm";
import { inject } from "vitest";
import { openDatabase } from "../postgres/database.ts";
import { migratePostgres } from "../postgres/migrate.ts";

const TEMPLATE = "trueclick_migrated";
/** What the template is called while it is being made: a run that dies leaves none half made. */
const UNFINISHED = `${TEMPLATE}_unfinished`;
/** Any fixed number: the advisory lock under which one process of a run makes the template. */
const TEMPLATE_LOCK = 7_281_002;

let hasTemplate = false;

/** A Postgres database at the newest schema: a copy, since to migrate takes longer than many tests. */
export async function createMigratedDatabase(): Promise<TestDatabase> {
  if (!hasTemplate) await makeTemplate(inject("postgresUrl"));
  hasTemplate = true;
  return createTestDatabase(TEMPLATE);
}

async function makeTemplate(serverUrl: string): Promise<void> {
  // One connection: the session that holds the lock is the one that goes on.
  const { db, close } = openDatabase(serverUrl, { connectionsMax: 1 });
  try {
    await db.execute(sql`select pg_advisory_lock(${TEMPLATE_LOCK})`);
    const { rows } = await db.execute(sql`select from pg_database where datname = ${TEMPLATE}`);
    if (rows.length > 0) return;
    const [template, unfinished] = [sql.identifier(TEMPLATE), sql.identifier(UNFINISHED)];
    await db.execute(sql`drop database if exists ${unfinished}`);
    await db.execute(sql`create database ${unfinished}`);
    const url = new URL(serverUrl);
    url.pathname = `/${UNFINISHED}`;
    await migratePostgres(url.href);
    await db.execute(sql`alter database ${unfinished} rename to ${template}`);
  } finally {
    await close();
  }
}

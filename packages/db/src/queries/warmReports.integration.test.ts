import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type OpenDatabase, openDatabase } from "../postgres/database.ts";
import { createMigratedDatabase } from "../testing/migratedDatabase.ts";
import { warmReports } from "./warmReports.ts";

const CONNECTIONS = 3;

let postgres: Awaited<ReturnType<typeof createMigratedDatabase>>;
let database: OpenDatabase;
beforeAll(async () => {
  postgres = await createMigratedDatabase();
  database = openDatabase(postgres.url, { connectionsMax: CONNECTIONS, keepsIdle: true });
});
afterAll(async () => {
  await database.close();
  await postgres.drop();
});

/** What each connection of the pool has prepared. */
async function prepared(): Promise<string[][]> {
  const clients = await Promise.all(
    Array.from({ length: CONNECTIONS }, () => database.pool.connect()),
  );
  try {
    const names = "select name from pg_prepared_statements order by name";
    const found = await Promise.all(clients.map((client) => client.query(names)));
    return found.map(({ rows }) => rows.map(({ name }) => String(name)));
  } finally {
    for (const client of clients) client.release();
  }
}

// Whoever asks first after a quiet while would wait for all of it.
it("leaves every connection open, with what reports ask prepared", async () => {
  await warmReports(database, CONNECTIONS);
  expect([database.pool.totalCount, database.pool.idleCount]).toEqual([CONNECTIONS, CONNECTIONS]);
  const all = await prepared();
  expect(all).toEqual(
    Array.from({ length: CONNECTIONS }, () => [
      "campaign_owners",
      "drift_facts_advertisers_any_lines",
      "drift_facts_advertisers_campaign_lines",
      "has_hot_lines_advertisers",
      "hot_lines_advertisers_advertisers_hours_",
      "hot_lines_ahead_advertisers_advertisers_hours_",
      "kept_slices_advertisers",
      "kept_slices_all",
      "report_facts_advertisers_billing",
      "report_facts_advertisers_dashboard",
      "report_facts_all_billing",
      "report_facts_all_dashboard",
    ]),
  );
});

it("closes none for being idle, unless that was not asked for", async () => {
  const { min, max } = database.pool.options;
  expect([min, max]).toEqual([CONNECTIONS, CONNECTIONS]);
  const passing = openDatabase(postgres.url, { connectionsMax: CONNECTIONS });
  expect(passing.pool.options.min).toBe(0);
  await passing.close();
});

it("says what is wrong, and can be tried again", async () => {
  const nowhere = openDatabase("postgres://nobody:x@127.0.0.1:1/none", { connectionsMax: 1 });
  await expect(warmReports(nowhere, 1)).rejects.toThrow();
  await nowhere.close();
  await warmReports(database, CONNECTIONS);
  expect((await database.db.execute(sql`select 1 as one`)).rows).toEqual([{ one: 1 }]);
});

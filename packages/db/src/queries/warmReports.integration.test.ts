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

/** What each connection of the pool has prepared. @param where Of how often which plan was run. */
async function prepared(where: string): Promise<string[][]> {
  const clients = await Promise.all(
    Array.from({ length: CONNECTIONS }, () => database.pool.connect()),
  );
  try {
    const names = `select name from pg_prepared_statements where ${where} order by name`;
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
  const all = await prepared("true");
  expect(all).toEqual(
    Array.from({ length: CONNECTIONS }, () => [
      "advertisers_known_one",
      "campaign_names_all",
      "campaign_names_one",
      "campaign_owners",
      "drift_facts_one_any_lines",
      "drift_facts_one_campaign_lines",
      "has_hot_lines_one",
      "hot_lines_ahead_one_advertisers_hours_",
      "hot_lines_one_advertisers_hours_",
      "kept_slices_all",
      "kept_slices_one",
      "report_facts_all_billing",
      "report_facts_all_dashboard",
      "report_facts_one_billing",
      "report_facts_one_dashboard",
    ]),
  );
});

// Else each question of them takes half as long again. The others are planned in no time.
it("leaves what is dear to plan planned for any values", async () => {
  await warmReports(database, CONNECTIONS);
  for (const planned of await prepared("generic_plans > 0")) {
    expect(planned).toEqual(
      expect.arrayContaining([
        "drift_facts_one_any_lines",
        "drift_facts_one_campaign_lines",
        "hot_lines_ahead_one_advertisers_hours_",
        "report_facts_all_dashboard",
        "report_facts_one_dashboard",
      ]),
    );
  }
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

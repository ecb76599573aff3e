import { readdir, readFile } from "node:fs/promises";
import type { ClickHouseClient } from "@clickhouse/client";
import { assertCluster, assertTables } from "./cluster/assertCluster.ts";
import type { ClickHouseCluster } from "./cluster/clickhouseCluster.ts";

const MIGRATIONS = new URL("./migrations/", import.meta.url);

/**
 * Brings a ClickHouse database to the newest schema. Every file is one statement that is harmless
 * when repeated (`IF NOT EXISTS`), so all of them run at every start, oldest first, and a crash
 * between two leaves nothing to mend.
 *
 * @param cluster That which the client is of; null for one engine.
 * @throws {ClusterMismatchError} if the servers are not set up so, or the tables are those of the other.
 */
export async function migrateClickHouse(
  client: ClickHouseClient,
  cluster: ClickHouseCluster | null = null,
): Promise<void> {
  if (cluster !== null) await assertCluster(client, cluster);
  await assertTables(client, cluster);
  for (const statement of await readMigrations()) await client.command({ query: statement });
}

/** Every statement that makes the schema, oldest first. */
export async function readMigrations(): Promise<string[]> {
  const files = (await readdir(MIGRATIONS)).filter((file) => file.endsWith(".sql")).sort();
  return Promise.all(files.map((file) => readFile(new URL(file, MIGRATIONS), "utf8")));
}

import { readdir, readFile } from "node:fs/promises";
import type { ClickHouseClient } from "@clickhouse/client";

const MIGRATIONS = new URL("./migrations/", import.meta.url);

/**
 * Brings a ClickHouse database to the newest schema. Every file is one statement that is harmless
 * when repeated (`IF NOT EXISTS`), so all of them run at every start, oldest first, and a crash
 * between two leaves nothing to mend.
 */
export async function migrateClickHouse(client: ClickHouseClient): Promise<void> {
  const files = (await readdir(MIGRATIONS)).filter((file) => file.endsWith(".sql")).sort();
  for (const file of files) {
    await client.command({ query: await readFile(new URL(file, MIGRATIONS), "utf8") });
  }
}

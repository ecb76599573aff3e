/** What has arrived in the stores, and what it takes there. */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { openClickHouse } from "@trueclick/db/clickhouse/client";
import { openDatabase } from "@trueclick/db/postgres/database";
import { archiveObjects } from "@trueclick/db/postgres/schema/archive";
import { sql } from "drizzle-orm";
import { z } from "zod";
import type { ProductEngines } from "../harness/product.ts";

export interface Stores {
  readonly objectsDir: string;
  /** Events that the hot store has counted. */
  streamed(): Promise<number>;
  /** Events in the archive. */
  archived(): Promise<number>;
  /** Bytes by place; those of tables once they are merged. */
  bytesByPlace(): Promise<ReadonlyMap<string, number>>;
  close(): Promise<void>;
}

/** Which tables are whose; what is not named here holds no row in this bench. */
const PLACES = {
  "hot store": ["hot_minutes", "hot_hours", "hot_users", "stream_rejects", "stream_corrections"],
  "event index": ["event_index"],
  truth: ["truth_cube", "truth_rejects", "truth_clicks", "truth_conversions"],
  "truth, kept for later counts": ["token_uses", "event_copies"],
};

const countSchema = z.tuple([z.object({ events: z.coerce.number() })]);

export function openStores({ dir, postgres, clickhouse, kafka }: ProductEngines): Stores {
  const objectsDir = join(dir, "objects");
  const { db, close } = openDatabase(postgres.url, { connectionsMax: 1 });
  const client = openClickHouse(clickhouse.url);
  const ask = async (query: string): Promise<number> => {
    const answer = await client.query({ query, format: "JSONEachRow" });
    return countSchema.parse(await answer.json())[0].events;
  };
  const bytesOf = async (tables: readonly string[]): Promise<number> => {
    for (const table of tables) await client.command({ query: `OPTIMIZE TABLE ${table} FINAL` });
    return ask(`SELECT sum(bytes_on_disk) AS events FROM system.parts
      WHERE active AND database = currentDatabase() AND table IN ('${tables.join("','")}')`);
  };
  return {
    objectsDir,
    streamed: () =>
      ask(`SELECT sum(clicks + invalid_clicks + impressions + conversions) AS events
        FROM hot_minutes FINAL WHERE cube = 'ad'`),
    async archived() {
      const events = sql<string>`coalesce(sum(${archiveObjects.rows}), 0)`;
      return Number((await db.select({ events }).from(archiveObjects))[0]?.events);
    },
    async bytesByPlace() {
      const log =
        kafka === null
          ? await tableBytes(db)
          : await folderBytes(dir, (path) => /clicks\.raw-\d+\/[^/]+\.log$/.test(path));
      const bytes = new Map([["event log", log]]);
      bytes.set("archive", await folderBytes(objectsDir, () => true));
      for (const [place, tables] of Object.entries(PLACES)) bytes.set(place, await bytesOf(tables));
      return bytes;
    },
    async close() {
      await Promise.all([close(), client.close()]);
    },
  };
}

async function tableBytes(db: ReturnType<typeof openDatabase>["db"]): Promise<number> {
  const query = sql`SELECT pg_total_relation_size('event_log.records') AS events`;
  return countSchema.parse((await db.execute(query)).rows)[0].events;
}

async function folderBytes(dir: string, isCounted: (path: string) => boolean): Promise<number> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter(isCounted);
  const sizes = await Promise.all(paths.map(async (path) => (await stat(path)).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

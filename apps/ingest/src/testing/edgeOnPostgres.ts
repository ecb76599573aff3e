/** What tests of the edge as a process share: a database of their own, a source, a log to look in. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDatabase } from "@trueclick/db/postgres/database";
import { migratePostgres } from "@trueclick/db/postgres/migrate";
import { sourceKeys, sources } from "@trueclick/db/postgres/schema/keys";
import { createMigratedDatabase } from "@trueclick/db/testing/migratedDatabase";
import { createPostgresEventLog } from "@trueclick/event-log/postgres";
import type { TestDatabase } from "@trueclick/local-stack/testing";
import { storedEventSchema } from "@trueclick/shared/event/stored";
import { sourceIdSchema } from "@trueclick/shared/ids";
import { sql } from "drizzle-orm";
import { sha256Hex } from "../adapters/hashes.ts";
import { type EdgeProcess, startEdgeProcess } from "./edgeProcess.ts";
import { type PackedEdge, packEdge } from "./packedEdge.ts";
import { storedLines } from "./storedRecords.ts";

export const SOURCE_KEY = "key-of-the-test";
const TOPIC = "clicks.raw";

/**
 * A migrated database with one source that speaks for its users, and edges upon it.
 *
 * @param change Settings of all its edges.
 * @param open The database; one on the shared server unless the test wants to harm the server.
 */
export async function createEdgeWorld(
  change: Readonly<Record<string, string>> = {},
  open: () => Promise<TestDatabase> = createMigratedDatabase,
) {
  const database = await open();
  const folder = await mkdtemp(join(tmpdir(), "trueclick-edge-"));
  let packed: Promise<PackedEdge> | null = null;
  const running: EdgeProcess[] = [];
  let hasEnded = false;
  await migratePostgres(database.url);
  const { db, close } = openDatabase(database.url, { connectionsMax: 1 });
  const sourceId = sourceIdSchema.parse("src_test");
  await db.insert(sources).values({ id: sourceId, name: "Test", speaksForUsers: true });
  await db
    .insert(sourceKeys)
    .values({ id: "key_test", sourceId, keySha256: sha256Hex(SOURCE_KEY) });
  await close();
  const log = createPostgresEventLog({ connectionString: database.url });
  const settings = { DATABASE_URL: database.url, IP_HASH_KEY: "00".repeat(16), ...change };
  return {
    ...{ database, log },
    /** A folder of this world's own, gone at its end. */
    folder,
    start: async (more: Readonly<Record<string, string>> = {}) => {
      // For one edge alone it does not pay, and what mends kafkajs needs it as it was installed.
      const isPaid = running.length > 0 && !("KAFKA_BROKERS" in settings);
      if (isPaid) packed ??= packEdge();
      const edge = await startEdgeProcess({ ...settings, ...more }, await packed);
      running.push(edge);
      // A test that ran out of time goes on behind its end, and its edges would outlive the run.
      if (hasEnded) await edge.end("SIGKILL");
      return edge;
    },
    storedEvents: async () =>
      (await storedLines(log, TOPIC)).map(({ line }) => storedEventSchema.parse(JSON.parse(line))),
    quarantined: async () =>
      (await storedLines(log, "clicks.quarantine")).map(({ line }) => JSON.parse(line)),
    end: async () => {
      hasEnded = true;
      await Promise.all(running.splice(0).map((edge) => edge.end("SIGKILL")));
      await database.drop();
      await (await packed)?.remove();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export type EdgeWorld = Awaited<ReturnType<typeof createEdgeWorld>>;

/** Lets nobody into a database, or everybody again: to its users it is down. */
export async function allowConnections(databaseUrl: string, areAllowed: boolean): Promise<void> {
  const url = new URL(databaseUrl);
  const name = url.pathname.slice(1);
  // From another database: one cannot be closed from within.
  url.pathname = "/postgres";
  const { db, close } = openDatabase(url.href, { connectionsMax: 1 });
  try {
    const word = sql.raw(areAllowed ? "true" : "false");
    await db.execute(sql`alter database ${sql.identifier(name)} allow_connections ${word}`);
    if (areAllowed) return;
    await db.execute(
      sql`select pg_terminate_backend(pid) from pg_stat_activity where datname = ${name}`,
    );
  } finally {
    await close();
  }
}

/** The state of an edge as its `/readyz` says it. */
export async function readiness(edge: EdgeProcess) {
  const response = await fetch(`${edge.url}/readyz`);
  const body: unknown = await response.json();
  return { status: response.status, body };
}

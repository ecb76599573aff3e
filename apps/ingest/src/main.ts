/** The edge's process: settings in, server up, and down again without losing what it acked. */
import { once } from "node:events";
import { pino } from "pino";
import { composeEdge } from "./composeEdge.ts";
import { loadEnv } from "./env.ts";

/** How long requests under way may take to end after a stop signal, milliseconds. */
const STOP_TIMEOUT_MS = 15_000;

const env = loadEnv(process.env);
const logger = pino({ level: env.LOG_LEVEL, base: { app: "ingest", region: env.REGION } });
const edge = await composeEdge(env, logger).catch(exitWith);

async function stop(signal: string): Promise<void> {
  logger.info({ signal }, "stopping");
  edge.beginStop();
  const closed = once(edge.server, "close");
  edge.server.close();
  // Whoever is still here after that was promised nothing: no answer was sent.
  const timer = setTimeout(() => edge.server.closeAllConnections(), STOP_TIMEOUT_MS);
  await closed;
  clearTimeout(timer);
  await edge.close();
  logger.info("stopped");
}

function exitWith(error: unknown): never {
  logger.fatal({ err: error }, "the edge cannot go on");
  process.exit(1);
}

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.once(signal, () => {
    stop(signal).then(() => process.exit(0), exitWith);
  });
}

edge.server.on("error", exitWith);
edge.server.listen(env.INGEST_PORT, env.INGEST_HOST, () => {
  const address = edge.server.address();
  const port = typeof address === "object" && address !== null ? address.port : env.INGEST_PORT;
  logger.info({ host: env.INGEST_HOST, port }, "listening");
});

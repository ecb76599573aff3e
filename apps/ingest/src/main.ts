/** The edge's process: settings in, server up, and down again without losing what it acked. */
import { once } from "node:events";
import { lastLinesWritten } from "@trueclick/shared/process/lastLines";
import { pino } from "pino";
import { withTimeout } from "./adapters/withTimeout.ts";
import { composeEdge } from "./composeEdge.ts";
import { loadEnv } from "./env.ts";

/** How long requests under way may take to end after a stop signal, milliseconds. */
const STOP_TIMEOUT_MS = 15_000;
/** How long the log may take to let go after that; a frozen one never does, milliseconds. */
const CLOSE_TIMEOUT_MS = 6_000;
/** One Ctrl-C may arrive twice, from the terminal and from a program in between, milliseconds. */
const SAME_INTERRUPT_MS = 500;
/** What shells expect of a program that Ctrl-C ended: 128 and the signal's number. */
const INTERRUPTED_EXIT_CODE = 130;

const env = loadEnv(process.env);
const lines = pino.destination(process.stdout.fd);
const logger = pino({ level: env.LOG_LEVEL, base: { app: "ingest", region: env.REGION } }, lines);
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
  // Nothing waits for the log but what it did not confirm: that is spooled, or was never acked.
  await withTimeout(edge.close(), CLOSE_TIMEOUT_MS).catch((error: unknown) =>
    logger.warn({ err: error }, "not everything could be closed"),
  );
  logger.info("stopped");
  await lastLinesWritten(lines);
}

function exitWith(error: unknown): never {
  logger.fatal({ err: error }, "the edge cannot go on");
  process.exit(1);
}

let stoppingSinceMs: number | null = null;

/** Asks for a clean stop; a second Ctrl-C ends at once, which costs no acked event either. */
function onSignal(signal: "SIGTERM" | "SIGINT"): void {
  const nowMs = performance.now();
  if (stoppingSinceMs === null) {
    stoppingSinceMs = nowMs;
    stop(signal).then(() => process.exit(0), exitWith);
  } else if (signal === "SIGINT" && nowMs - stoppingSinceMs > SAME_INTERRUPT_MS) {
    logger.warn("interrupted again, ending at once");
    process.exit(INTERRUPTED_EXIT_CODE);
  }
}

process.on("SIGTERM", onSignal).on("SIGINT", onSignal);

edge.server.on("error", exitWith);
edge.server.listen(env.INGEST_PORT, env.INGEST_HOST, () => {
  const address = edge.server.address();
  const port = typeof address === "object" && address !== null ? address.port : env.INGEST_PORT;
  logger.info({ host: env.INGEST_HOST, port }, "listening");
});

import { fileURLToPath } from "node:url";
import { composeWeb } from "./server/composeWeb.ts";
import { loadEnv } from "./server/env.ts";
import { createApi } from "./server/http/api.ts";
import { type OpenPages, openPages } from "./server/http/pages.ts";
import { createWebServer, type WebServer } from "./server/http/webServer.ts";
import { reasonOf, writeLogLine } from "./server/logLine.ts";
import { warmUp } from "./server/warmUp.ts";

/** How long requests under way may take to end after a stop signal, and all else after that, milliseconds. */
const STOP_TIMEOUT_MS = 4_000;
const CLOSE_TIMEOUT_MS = 1_000;
/** One Ctrl-C may arrive twice, from the terminal and from a program in between, milliseconds. */
const SAME_INTERRUPT_MS = 500;
/** What shells expect of a program that Ctrl-C ended: 128 and the signal's number. */
const INTERRUPTED_EXIT_CODE = 130;

type Settings = Parameters<typeof loadEnv>[0];

const APP_DIR = fileURLToPath(new URL("..", import.meta.url));

/** The web app's process: settings in, server up, and down again once those who asked were answered. */
export async function runWeb(settings: Settings): Promise<void> {
  await begin(settings).catch(exitWith);
}

async function begin(settings: Settings): Promise<void> {
  const env = loadEnv(settings);
  const parts = composeWeb(env);
  const api = createApi(parts, onFault);
  const opening = Promise.withResolvers<OpenPages>();
  const server = createWebServer({
    ...{ api, onFault, webUrl: env.webUrl, isDevelopment: env.isDevelopment },
    pages: opening.promise.then(({ handle }) => handle),
  });
  const port = await server.listen(env.port, env.host);
  onStopSignal(() => stop(server, opening.promise, parts));
  const { host: hostname, isDevelopment } = env;
  opening.resolve(openPages({ dir: APP_DIR, hostname, port, isDevelopment }));
  // What needs no pages is warmed beside their opening.
  const warming = warmUp(parts, { ownUrl: `http://127.0.0.1:${port}` });
  await opening.promise;
  writeLogLine("info", "listening", `http://${env.host}:${port}`);
  await warming;
}

/** Nobody is left who waits for an answer when the parts are let go. */
async function stop(
  server: WebServer,
  pages: Promise<OpenPages>,
  parts: { close(): Promise<void> },
): Promise<void> {
  writeLogLine("info", "stopping");
  await server.stop(STOP_TIMEOUT_MS);
  // A store that never answers must not hold up the end.
  setTimeout(() => process.exit(0), CLOSE_TIMEOUT_MS);
  await Promise.all([pages.then((open) => open.close()), parts.close()]);
  writeLogLine("info", "stopped");
}

/** Stops once, however often it is asked; a second Ctrl-C ends at once. */
function onStopSignal(stopOnce: () => Promise<void>): void {
  let sinceMs: number | null = null;
  const onSignal = (signal: "SIGTERM" | "SIGINT") => {
    const nowMs = performance.now();
    if (sinceMs === null) {
      sinceMs = nowMs;
      stopOnce().then(() => process.exit(0), exitWith);
    } else if (signal === "SIGINT" && nowMs - sinceMs > SAME_INTERRUPT_MS) {
      process.exit(INTERRUPTED_EXIT_CODE);
    }
  };
  process.on("SIGTERM", onSignal).on("SIGINT", onSignal);
}

function exitWith(error: unknown): never {
  writeLogLine("fatal", "the web app cannot go on", reasonOf(error));
  process.exit(1);
}

/** The caller is told nothing of the inside; whoever runs the process is told all. */
function onFault(error: unknown): void {
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  writeLogLine("error", "a request failed", message);
}

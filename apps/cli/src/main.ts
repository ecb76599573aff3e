/** Composition root of the command line. */
import { fileURLToPath } from "node:url";
import { runCli } from "./program.ts";

/** npm and the terminal both pass on one Ctrl-C: a second within this time is the same one. */
const SAME_SIGNAL_MS = 1_000;

const stop = new AbortController();
const force = new AbortController();
let stoppedAtMs = 0;

function onSignal(): void {
  if (!stop.signal.aborted) {
    stoppedAtMs = Date.now();
    stop.abort();
  } else if (Date.now() - stoppedAtMs > SAME_SIGNAL_MS) {
    force.abort();
    process.exit(130);
  }
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, onSignal);
// Started by another program of ours, which is gone: nobody is left to stop us.
process.on("disconnect", onSignal);
process.channel?.unref();
// `events from-weblog … | head`: the reader has had enough, which is no fault.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  stop.abort();
});

process.exitCode = await runCli(process.argv.slice(2), {
  env: process.env,
  root: fileURLToPath(new URL("../../..", import.meta.url)),
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: {
    write: (text) => process.stderr.write(text),
    isTTY: process.stderr.isTTY,
    columns: process.stderr.columns ?? 80,
  },
  stop: stop.signal,
  force: force.signal,
});

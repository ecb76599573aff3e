import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { CliContext } from "../terminal/context.ts";
import { CliError } from "../terminal/errors.ts";
import { createProgress } from "../terminal/progress.ts";
import type { LogFile } from "./logFile.ts";

const TICK_MS = 500;
/** Before this, nothing was built: the sources were as they were. */
const WORTH_A_WORD_MS = 3_000;

/**
 * Builds the web app if its sources changed since the last build.
 *
 * @throws {CliError} `web_build_failed` with the last lines of the build.
 */
export async function buildWeb(
  { root, stderr, stop }: CliContext,
  log: LogFile,
  say: (line: string) => void,
): Promise<void> {
  const startedMs = Date.now();
  const elapsedMs = () => Date.now() - startedMs;
  const progress = createProgress(stderr);
  let told = false;
  const ticking = setInterval(() => {
    if (elapsedMs() < WORTH_A_WORD_MS) return;
    if (!told) say("Building the web app; only when its sources changed, about a minute");
    told = true;
    progress.show(null, `  ${Math.round(elapsedMs() / 1000)} s`);
  }, TICK_MS);
  try {
    const code = await run(join(root, "scripts/buildWeb.mjs"), log, stop);
    stop.throwIfAborted();
    if (code === 0) return;
    const words = log.lastLines().map((line) => `    ${line}`);
    const text = `The web app could not be built. From ${log.path}:\n${words.join("\n")}`;
    throw new CliError("web_build_failed", text);
  } finally {
    clearInterval(ticking);
    progress.clear();
  }
}

function run(script: string, log: LogFile, signal: AbortSignal): Promise<number> {
  const build = spawn(process.execPath, [script], {
    stdio: ["ignore", "pipe", "pipe"],
    signal,
    killSignal: "SIGTERM",
  });
  for (const stream of [build.stdout, build.stderr]) {
    createInterface({ input: stream }).on("line", (line) => log.write(line));
  }
  return new Promise((resolve, reject) => {
    build.once("error", (error) => (error.name === "AbortError" ? resolve(1) : reject(error)));
    build.once("close", (code) => resolve(code ?? 1));
  });
}

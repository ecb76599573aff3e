import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { CliContext } from "../terminal/context.ts";
import { CliError } from "../terminal/errors.ts";
import type { LogFile } from "./logFile.ts";

/** Before this, nothing was built: the sources were as they were. */
const WORTH_A_WORD_MS = 3_000;

export interface WebBuild {
  /** @throws {CliError} `web_build_failed` with the last lines of the build. */
  wait(): Promise<void>;
  /** Ends a build that nobody waits for any more. */
  stop(): Promise<void>;
}

/** Builds the web app, beside whatever else is done, if its sources changed since the last build. */
export function startWebBuild(
  { root }: CliContext,
  log: LogFile,
  say: (line: string) => void,
): WebBuild {
  const build = spawn(process.execPath, [join(root, "scripts/buildWeb.mjs")], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  for (const stream of [build.stdout, build.stderr]) {
    createInterface({ input: stream }).on("line", (line) => log.write(line));
  }
  const telling = setTimeout(
    () => say("Building the web app, only when its sources changed: about a minute"),
    WORTH_A_WORD_MS,
  );
  const ended = new Promise<number>((resolve) => {
    build.once("error", (error) => {
      log.write(String(error));
      resolve(1);
    });
    build.once("close", (code) => resolve(code ?? 1));
  }).finally(() => clearTimeout(telling));
  return {
    async wait() {
      if ((await ended) === 0) return;
      const words = log.lastLines().map((line) => `    ${line}`);
      const text = `The web app could not be built. From ${log.path}:\n${words.join("\n")}`;
      throw new CliError("web_build_failed", text);
    },
    async stop() {
      build.kill("SIGTERM");
      await ended;
      await log.close();
    },
  };
}

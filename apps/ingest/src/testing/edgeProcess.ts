/** The edge as the process that it is in production: its own memory, killable, its log on stdout. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { z } from "zod";

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));
const listening = z.object({ msg: z.literal("listening"), port: z.int() });

export interface EdgeProcess {
  readonly url: string;
  readonly child: ChildProcess;
  /** All that it logged so far. */
  readonly lines: readonly string[];
  /** Sends a signal and waits for the end; the exit code, or null after SIGKILL. */
  end(signal: "SIGTERM" | "SIGKILL"): Promise<number | null>;
}

/** Starts an edge on a free port; resolves when it listens, whether or not it is ready. */
export async function startEdgeProcess(
  settings: Readonly<Record<string, string>>,
): Promise<EdgeProcess> {
  const child = spawn(process.execPath, [MAIN], {
    env: { PATH: process.env["PATH"] ?? "", INGEST_PORT: "0", ...settings },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  const lines: string[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  createInterface({ input: child.stdout }).on("line", (line) => {
    lines.push(line);
    const found = listening.safeParse(JSON.parse(line));
    if (found.success) resolve(found.data.port);
  });
  child.once("exit", (code) =>
    reject(new Error(`The edge ended with ${code}: ${lines.join("\n")}`)),
  );
  const port = await promise;
  return {
    url: `http://127.0.0.1:${port}`,
    child,
    lines,
    end: async (signal) => {
      child.kill(signal);
      await ended;
      return child.exitCode;
    },
  };
}

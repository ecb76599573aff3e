/** The edge as the process that it is in production: its own memory, killable, its log on stdout. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import type { PackedEdge } from "./packedEdge.ts";

/** Programs of a run share what Node has compiled of them. */
const { PATH = "", NODE_COMPILE_CACHE = "" } = process.env;
const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));
const listening = z.object({ msg: z.literal("listening"), port: z.int() });

export interface EdgeProcess {
  readonly url: string;
  readonly child: ChildProcess;
  /** All that it logged so far. */
  readonly lines: readonly string[];
  /** Sends a signal and waits for the end; the exit code, or null after SIGKILL. */
  end(signal: NodeJS.Signals): Promise<number | null>;
  /** Settles when it has ended, however that came. */
  readonly ended: Promise<number | null>;
}

/**
 * Starts an edge on a free port; resolves when it listens, whether or not it is ready.
 *
 * @param packed In place of the sources.
 */
export async function startEdgeProcess(
  settings: Readonly<Record<string, string>>,
  packed: PackedEdge | null = null,
): Promise<EdgeProcess> {
  const own = { PATH, NODE_COMPILE_CACHE, INGEST_PORT: "0" };
  const child = spawn(process.execPath, [packed?.program ?? MAIN], {
    env: { ...own, ...packed?.settings, ...settings },
    stdio: ["ignore", "pipe", "inherit"],
  });
  // Not `exit`: its last words are still to be read then.
  const ended = once(child, "close").then(() => child.exitCode);
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
      return ended;
    },
    ended,
  };
}

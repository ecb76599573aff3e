/** The aggregator as the process that it is in production: its own memory, and killable. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { claimPort } from "@trueclick/local-stack/ports";

/** Programs of a run share what Node has compiled of them. */
const { PATH = "", NODE_COMPILE_CACHE = "" } = process.env;
const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));

export interface AggregatorProcess {
  /** Health and metrics. */
  readonly url: string;
  /** All that it logged so far. */
  readonly lines: readonly string[];
  /** Halts it where it stands, as a paused machine does, or lets it go on. */
  halt(): void;
  goOn(): void;
  /** Sends a signal and waits for the end; the exit code, or null after SIGKILL. */
  end(signal: "SIGTERM" | "SIGKILL"): Promise<number | null>;
  /** The exit code, once it has ended by itself. */
  readonly ended: Promise<number | null>;
}

/** Starts an aggregator; it need not be ready yet. */
export async function startAggregatorProcess(
  settings: Readonly<Record<string, string>>,
): Promise<AggregatorProcess> {
  const port = await claimPort(0, "the aggregator");
  const child = spawn(process.execPath, [MAIN], {
    env: { PATH, NODE_COMPILE_CACHE, AGGREGATOR_PORT: `${port}`, ...settings },
    stdio: ["ignore", "pipe", "inherit"],
  });
  // Not its exit: of its last lines some may still be on their way.
  const exit = once(child, "close");
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));
  const ended = exit.then(() => child.exitCode);
  return {
    url: `http://127.0.0.1:${port}`,
    lines,
    ended,
    halt: () => child.kill("SIGSTOP"),
    goOn: () => child.kill("SIGCONT"),
    end: (signal) => {
      child.kill(signal);
      return ended;
    },
  };
}

import { endProcess, spawnBound } from "@trueclick/local-stack/process";
import type { LogFile } from "./logFile.ts";
import type { RunningProgram } from "./supervisor.ts";

/** How long a program may take to finish what it has in hand. */
const STOP_WITHIN_MS = 6_000;

export interface NodeProgram {
  /** Flags of Node.js, the program and its arguments. */
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: LogFile;
}

/**
 * Starts a program with the Node.js that runs us. It has a process group of its own, so that Ctrl-C
 * reaches only us and we choose the order, and it is ended when we are, however that comes.
 */
export async function startNodeProgram(program: NodeProgram): Promise<RunningProgram> {
  const { args, env, log } = program;
  const running = await spawnBound({
    command: [process.execPath, ...args],
    env: { ...env },
    orphanSignal: "TERM",
    onLine: (line) => log.write(line),
  });
  return {
    pid: running.pid,
    exited: running.exited,
    stop: () => endProcess(running, "SIGTERM", STOP_WITHIN_MS),
    kill: () => running.signal("SIGKILL"),
  };
}

import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";

/**
 * Runs a server and takes it down with us. The shell prints the server's process id, then waits for
 * it; beside it, a reader of standard input meets the end of file as soon as our end of the pipe is
 * gone, which the kernel sees to however we die, SIGKILL included. A server that has ended takes its watcher
 * with it: its id may be another process's soon.
 */
export const supervisor = (orphanSignal: string) => `
exec 3<&0
"$@" </dev/null 3<&- &
server=$!
echo "pid $server"
(cat <&3; kill -${orphanSignal} "$server") >/dev/null 2>&1 &
watcher=$!
exec 3<&-
wait "$server"
code=$?
kill -KILL "$watcher"
wait "$watcher" 2>/dev/null
exit "$code"
`;

export interface BoundProcess {
  readonly pid: number;
  /** Settles once the process has ended, never rejects. */
  readonly exited: Promise<void>;
  hasExited(): boolean;
  signal(signal: NodeJS.Signals): void;
}

export interface BoundProcessOptions {
  readonly command: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  /** What the server gets when we are gone: KILL, or a gentler one that it surely obeys. */
  readonly orphanSignal: "KILL" | "INT" | "TERM";
  /** Called with every line that it prints. */
  readonly onLine: (line: string) => void;
}

/**
 * Starts a server that cannot outlive this process.
 *
 * @throws if the command could not be run at all.
 */
export async function spawnBound(options: BoundProcessOptions): Promise<BoundProcess> {
  const { command, uid, gid, orphanSignal } = options;
  const shell = spawn("/bin/sh", ["-c", supervisor(orphanSignal), "sh", ...command], {
    // A process group of its own: a Ctrl-C in the terminal reaches only us, and we choose the order.
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
    env: options.env ?? process.env,
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
  });
  let ended = false;
  const exited = new Promise<void>((resolve) => {
    const end = () => {
      ended = true;
      shell.stdin.destroy();
      resolve();
    };
    shell.once("exit", end);
    shell.once("error", end);
  });
  const pid = await readPid(shell, options.onLine);
  return {
    pid,
    exited,
    hasExited: () => ended,
    signal: (signal) => {
      if (!ended) sendSignal(pid, signal);
    },
  };
}

function readPid(shell: ChildProcess, onLine: (line: string) => void): Promise<number> {
  return new Promise((resolve, reject) => {
    shell.once("error", reject);
    shell.once("exit", () => reject(new Error("the shell ended before it started the server")));
    for (const stream of [shell.stdout, shell.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on("line", (line) => {
        const pid = /^pid (\d+)$/.exec(line)?.[1];
        if (pid === undefined) onLine(line);
        else resolve(Number(pid));
      });
    }
  });
}

/** Sends a signal to a process that may have ended between its end and our hearing of it. */
export function sendSignal(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ESRCH") return false;
    throw error;
  }
}

/** Ends a process: asks, waits up to `graceMs`, then insists. */
export async function endProcess(
  server: BoundProcess,
  signal: NodeJS.Signals,
  graceMs: number,
): Promise<void> {
  server.signal(signal);
  const force = setTimeout(() => server.signal("SIGKILL"), graceMs);
  await server.exited;
  clearTimeout(force);
}

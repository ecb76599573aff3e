import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";

/**
 * Runs the JVM and takes it down with us. The shell prints the JVM's process id, then waits for it;
 * beside it, a reader of standard input meets the end of file as soon as our end of the pipe is
 * gone, which the kernel sees to however we die, SIGKILL included. SIGKILL is safe for the JVM too:
 * what Kafka has acked lies in the page cache.
 */
const SUPERVISOR = `
exec 3<&0
"$@" </dev/null 3<&- &
jvm=$!
echo "pid $jvm"
(cat <&3; kill -9 "$jvm") >/dev/null 2>&1 &
exec 3<&-
wait "$jvm"
`;

export interface JvmProcess {
  readonly pid: number;
  /** Settles once the process has ended, never rejects. */
  readonly exited: Promise<void>;
  hasExited(): boolean;
  signal(signal: "SIGTERM" | "SIGKILL"): void;
}

/**
 * Starts a JVM that cannot outlive this process.
 *
 * @param onLine Called with every line that it prints.
 * @throws if the command could not be run at all.
 */
export async function spawnJvm(
  command: readonly string[],
  onLine: (line: string) => void,
): Promise<JvmProcess> {
  // A process group of its own: a Ctrl-C in the terminal reaches only us, and we choose the order.
  const shell = spawn("/bin/sh", ["-c", SUPERVISOR, "sh", ...command], {
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
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
  const pid = await readPid(shell, onLine);
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
    shell.once("exit", () =>
      reject(new Error("The shell around Java ended before it said a word")),
    );
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

function sendSignal(pid: number, signal: "SIGTERM" | "SIGKILL"): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // Gone between its end and our hearing of it: what was wanted has happened.
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

/** Processes on a processor of their own, so that what is measured is not what measures. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { availableParallelism } from "node:os";

/** On core 0 the server; on core 1 the load and the engines. */
export const SERVER_CORE = 0;
export const LOAD_CORE = 1;

const canPin = availableParallelism() > 1 && hasTaskset();

function hasTaskset(): boolean {
  try {
    execFileSync("taskset", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** Puts this process, and what it starts from now on, on a core; where that cannot be, on all. */
export function pinSelf(core: number): void {
  if (canPin)
    execFileSync("taskset", ["-a", "-cp", String(core), String(process.pid)], { stdio: "ignore" });
}

/** A command that runs another on a core; where that cannot be, on all. */
export function onCore(core: number, command: readonly string[]): readonly string[] {
  return canPin ? ["taskset", "-c", String(core), ...command] : command;
}

/** Starts a Node program on a core, with a channel for messages; it must end when that closes. */
export function spawnPinned(core: number, words: readonly string[]): ChildProcess {
  const [program = "", ...rest] = onCore(core, [process.execPath, ...words]);
  return spawn(program, rest, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
}

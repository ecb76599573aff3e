import { execFile } from "node:child_process";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { promisify } from "node:util";
import { sendSignal } from "../process/boundProcess.ts";

const execute = promisify(execFile);
const STOP_WITHIN_MS = 20_000;
const POLL_MS = 100;

/**
 * Ends a PostgreSQL that a killed start left behind on this data folder, and removes its lock file
 * when the process it names is gone or is another program that was given the number since.
 */
export async function endOrphan(dataDir: string): Promise<void> {
  const lockFile = join(dataDir, "postmaster.pid");
  const pid = await readLockedPid(lockFile);
  if (pid === null) return;
  if (!(await isPostgresOn(pid, dataDir))) {
    await rm(lockFile, { force: true });
    return;
  }
  sendSignal(pid, "SIGINT");
  const deadline = Date.now() + STOP_WITHIN_MS;
  while (await isPostgresOn(pid, dataDir)) {
    if (Date.now() > deadline) sendSignal(pid, "SIGKILL");
    await wait(POLL_MS);
  }
  await rm(lockFile, { force: true });
}

async function readLockedPid(lockFile: string): Promise<number | null> {
  try {
    const pid = Number.parseInt((await readFile(lockFile, "utf8")).split("\n")[0] ?? "", 10);
    return Number.isSafeInteger(pid) && pid > 1 ? pid : null;
  } catch {
    return null;
  }
}

async function isPostgresOn(pid: number, dataDir: string): Promise<boolean> {
  try {
    const { stdout } = await execute("ps", ["-p", String(pid), "-o", "stat=,command="]);
    return !stdout.startsWith("Z") && stdout.includes("postgres") && stdout.includes(dataDir);
  } catch {
    // `ps` ends with 1 when there is no such process.
    return false;
  }
}

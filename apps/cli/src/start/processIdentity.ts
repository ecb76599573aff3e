/**
 * Who a process id means. Ids are used again, so an id alone may point at a stranger; with the time
 * the process was started, it cannot.
 */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { z } from "zod";
import { hasCode } from "../stack/files.ts";

const run = promisify(execFile);
const PS_TIMEOUT_MS = 5_000;

export const processRefSchema = z.object({
  pid: z.int().positive(),
  /** When it was started, in the system's own form; only ever compared. */
  startedAt: z.string(),
});
export type ProcessRef = z.infer<typeof processRefSchema>;

/** The process that bears an id now, or null when none does. */
export async function findProcess(pid: number): Promise<ProcessRef | null> {
  const startedAt = process.platform === "linux" ? await startOnLinux(pid) : await startByPs(pid);
  return startedAt === null ? null : { pid, startedAt };
}

/** Whether that very process still runs. */
export async function isRunning(ref: ProcessRef): Promise<boolean> {
  return (await findProcess(ref.pid))?.startedAt === ref.startedAt;
}

/**
 * Field 22 of `/proc/PID/stat`: clock ticks since boot, hence with the id of the boot. The second
 * field is the program's name in brackets and may hold anything, so fields are counted from its end.
 */
async function startOnLinux(pid: number): Promise<string | null> {
  try {
    const [stat, boot] = await Promise.all([
      readFile(`/proc/${pid}/stat`, "utf8"),
      readFile("/proc/sys/kernel/random/boot_id", "utf8"),
    ]);
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // A zombie has ended; it only waits to be asked how.
    if (fields[0] === "Z") return null;
    return `${boot.trim()}/${fields[19]}`;
  } catch (error) {
    if (hasCode(error, "ENOENT") || hasCode(error, "ESRCH")) return null;
    throw error;
  }
}

async function startByPs(pid: number): Promise<string | null> {
  try {
    const { stdout } = await run("ps", ["-o", "lstart=", "-p", String(pid)], {
      timeout: PS_TIMEOUT_MS,
      env: { LC_ALL: "C", TZ: "UTC" },
    });
    return stdout.trim() === "" ? null : stdout.trim();
  } catch {
    // `ps` ends with 1 when there is no such process.
    return null;
  }
}

/** A folder for one run of a benchmark; those that killed runs left are removed on the way. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The process that made it is part of the name, so that others can tell whether it still runs. */
const NAME = /^trueclick-bench-(\d{1,10})-\w+$/;

/** Makes a new folder in `parent`; whoever asks removes it when done. */
export async function makeBenchFolder(parent: string = tmpdir()): Promise<string> {
  const entries = await readdir(parent);
  const stale = entries.filter((entry) => {
    const pid = NAME.exec(entry)?.[1];
    return pid !== undefined && !isAlive(Number(pid));
  });
  await Promise.all(
    stale.map((entry) => rm(join(parent, entry), { recursive: true, force: true })),
  );
  return mkdtemp(join(parent, `trueclick-bench-${process.pid}-`));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Somebody else's process, which is one all the same.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

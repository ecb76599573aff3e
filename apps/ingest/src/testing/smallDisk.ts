/**
 * A disk that is really full. A file system of its own in memory where mounting is allowed; elsewhere
 * the limit on file sizes of the edge's process, set to nothing and lifted again: there, too, it is
 * the kernel that cuts the write short.
 */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const SMALL = "2m";
const LARGE = "64m";

export interface SmallDisk {
  readonly folder: string;
  /** Fills the disk for a process, as far as it is not full by itself. */
  fillFor(pid: number): Promise<void>;
  /** There is space again, without anybody telling the process. */
  giveSpaceTo(pid: number): Promise<void>;
  remove(): Promise<void>;
}

const newFolder = () => mkdtemp(join(tmpdir(), "trueclick-disk-"));

/** Whether this process may mount, found out by doing it. */
export async function canMount(): Promise<boolean> {
  const folder = await newFolder();
  try {
    await run("mount", ["-t", "tmpfs", "-o", `size=${SMALL}`, "tmpfs", folder]);
    await run("umount", [folder]);
    return true;
  } catch {
    return false;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A small file system of its own. */
export async function mountSmallDisk(): Promise<SmallDisk> {
  const folder = await newFolder();
  await run("mount", ["-t", "tmpfs", "-o", `size=${SMALL}`, "tmpfs", folder]);
  return {
    folder,
    fillFor: async () => {},
    giveSpaceTo: async () => {
      await run("mount", ["-o", `remount,size=${LARGE}`, folder]);
    },
    remove: async () => {
      await run("umount", [folder]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A folder in which a process finds no room, by the limit on the size of its files. */
export async function limitFileSizes(): Promise<SmallDisk> {
  const folder = await newFolder();
  // The soft limit alone: who lowered it may raise it again without any right.
  const limit = async (pid: number, bytes: string) => {
    await run("prlimit", ["--pid", String(pid), `--fsize=${bytes}:unlimited`]);
  };
  return {
    folder,
    fillFor: (pid) => limit(pid, "100"),
    giveSpaceTo: (pid) => limit(pid, "unlimited"),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** A counted day that stays on disk, so that what comes late to it can be counted again and again. */
import { execFile } from "node:child_process";
import {
  copyFile,
  link,
  mkdir,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { z } from "zod";

/** Written last: a day without it was not finished. */
const MARK = "day.json";
const mark = z.object({ rows: z.number() });

/** Larger files are of objects and of the engine's parts, which are written once and never again. */
const COPIED_BYTES_MAX = 262_144;
/** Of folders within one another; the engine's data has ten or so. */
const DEPTH_MAX = 40;

/**
 * Makes a day in a folder of its own, unless it is there already.
 *
 * @param make Leaves nothing running.
 * @returns Whether it had to be made.
 */
export async function keepDay(
  dir: string,
  rows: number,
  make: () => Promise<void>,
): Promise<boolean> {
  if ((await rowsKept(dir)) === rows) return false;
  await rm(dir, { recursive: true, force: true });
  await mkdir(dir, { recursive: true });
  await make();
  await writeFile(join(dir, MARK), JSON.stringify({ rows }));
  return true;
}

async function rowsKept(dir: string): Promise<number | null> {
  try {
    return mark.parse(JSON.parse(await readFile(join(dir, MARK), "utf8"))).rows;
  } catch {
    return null;
  }
}

/**
 * Copies a kept day of which nothing runs. What is large of objects and of the engine is linked: both folders
 * must be on one disk.
 */
export async function copyDay(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const entry of await readdir(from)) {
    const [source, target] = [join(from, entry), join(to, entry)];
    // Its files are written in place, and belong to a user of their own.
    if (entry === "postgres") await execute("cp", ["-a", source, target]);
    else if (entry !== MARK) await linkFolder(source, target, 0);
  }
}

const execute = promisify(execFile);

async function linkFolder(from: string, to: string, depth: number): Promise<void> {
  if (depth > DEPTH_MAX) throw new RangeError(`${from} is too deep a folder`);
  await mkdir(to, { recursive: true });
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) await linkFolder(source, target, depth + 1);
    else if (entry.isSymbolicLink()) await symlink(await readlink(source), target);
    else if ((await stat(source)).size <= COPIED_BYTES_MAX) await copyFile(source, target);
    else await link(source, target);
  }
}

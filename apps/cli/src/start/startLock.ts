/** One `trueclick start` a data folder. */
import { randomBytes } from "node:crypto";
import { link, rename, rm } from "node:fs/promises";
import { z } from "zod";
import type { DataDir } from "../stack/dataDir.ts";
import { hasCode, readTextFile, writePrivateFile } from "../stack/files.ts";
import { CliError } from "../terminal/errors.ts";
import { findProcess, isRunning, processRefSchema } from "./processIdentity.ts";

const lockSchema = processRefSchema.extend({
  /** Tells two locks of one process apart. */
  nonce: z.string(),
  webUrl: z.string(),
  ingestUrl: z.string(),
});
type Lock = z.infer<typeof lockSchema>;

const ATTEMPTS_MAX = 5;

/** Another start holds the folder. */
export class AlreadyRunningError extends CliError {
  override readonly name = "AlreadyRunningError";

  constructor(data: DataDir, holder: Lock) {
    super(
      "already_running",
      `Trueclick already runs on ${data.path} (process ${holder.pid}).\n` +
        `  web   ${holder.webUrl}\n  edge  ${holder.ingestUrl}\n` +
        "Stop it with Ctrl-C there, or start a second one with --data DIR and ports of its own\n" +
        "(WEB_PORT, INGEST_PORT, POSTGRES_PORT, CLICKHOUSE_PORT).",
    );
  }
}

export interface StartLock {
  /** A start that held the folder before us did not end in order. */
  readonly tookOver: boolean;
  release(): Promise<void>;
}

/**
 * Takes the lock of a data folder, over from a dead holder if need be.
 *
 * @throws {AlreadyRunningError} if its holder runs.
 */
export async function takeStartLock(
  data: DataDir,
  urls: { readonly webUrl: string; readonly ingestUrl: string },
): Promise<StartLock> {
  const path = data.file("lock");
  const self = await findProcess(process.pid);
  if (self === null) throw new Error("this process does not find itself");
  const lock: Lock = { ...self, ...urls, nonce: randomBytes(8).toString("hex") };
  const draft = `${path}.${lock.nonce}`;
  await writePrivateFile(draft, JSON.stringify(lock));
  try {
    let tookOver = false;
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
      if (await tryLink(draft, path)) {
        return { tookOver, release: () => releaseIfOurs(path, lock.nonce) };
      }
      tookOver = (await clearDead(data, path)) || tookOver;
    }
    throw new CliError("lock_contended", `Others keep taking and leaving ${path}; try again.`);
  } finally {
    await rm(draft, { force: true });
  }
}

/** `link` makes the whole file appear at once, and fails where one is. */
async function tryLink(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if (hasCode(error, "EEXIST")) return false;
    throw error;
  }
}

/**
 * Moves a dead holder's lock out of the way. Of two starts that try, the second may have moved the
 * first one's new lock; it sees that by its text and puts it back.
 */
async function clearDead(data: DataDir, path: string): Promise<boolean> {
  const text = await readTextFile(path);
  if (text === null) return false;
  const holder = parseLock(text);
  if (holder !== null && (await isRunning(holder))) throw new AlreadyRunningError(data, holder);

  const aside = `${path}.${randomBytes(8).toString("hex")}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return false;
    throw error;
  }
  const isDeadOne = (await readTextFile(aside)) === text;
  if (!isDeadOne) await tryLink(aside, path);
  await rm(aside, { force: true });
  return isDeadOne;
}

/** Null for a damaged file, such as a power cut leaves: nobody who runs has written that. */
function parseLock(text: string): Lock | null {
  try {
    return lockSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

async function releaseIfOurs(path: string, nonce: string): Promise<void> {
  const text = await readTextFile(path);
  if (text !== null && parseLock(text)?.nonce === nonce) await rm(path, { force: true });
}

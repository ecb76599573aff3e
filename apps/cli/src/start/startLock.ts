/** One `trueclick start` a data folder. */
import { randomBytes } from "node:crypto";
import { link, rename, rm } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";
import { sha256Hex } from "../keys/hash.ts";
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

/** A start that takes over needs milliseconds; others wait so long for it to be done. */
const ATTEMPTS_MAX = 100;
const RETRY_MS = 20;

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
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
      const outcome = await tryTake(path, path, draft);
      if (outcome === "taken" || outcome === "taken over") {
        return {
          tookOver: outcome === "taken over",
          release: () => releaseIfOurs(path, lock.nonce),
        };
      }
      if (outcome !== "contended") throw new AlreadyRunningError(data, outcome);
      await pause(RETRY_MS);
    }
    throw new CliError("lock_contended", `Others keep taking and leaving ${path}; try again.`);
  } finally {
    await rm(draft, { force: true });
  }
}

/**
 * One try for a lock file. Whoever finds it dead must first hold the right to replace that very
 * text: a lock named after it, taken in the same way, since its holder may die too. Only the holder
 * of the right changes the text, so after looking once more, replacing it hits nobody who lives.
 *
 * @returns The holder, if one lives.
 */
async function tryTake(
  path: string,
  basePath: string,
  draft: string,
): Promise<"taken" | "taken over" | "contended" | Lock> {
  if (await tryLink(draft, path)) return "taken";
  const text = await readTextFile(path);
  if (text === null) return "contended";
  const holder = parseLock(text);
  if (holder !== null && (await isRunning(holder))) return holder;

  const right = `${basePath}.${sha256Hex(text).slice(0, 16)}`;
  const outcome = await tryTake(right, basePath, draft);
  if (outcome !== "taken" && outcome !== "taken over") return "contended";
  try {
    if ((await readTextFile(path)) !== text) return "contended";
    const replacement = `${draft}.next`;
    await link(draft, replacement);
    await rename(replacement, path);
    return "taken over";
  } finally {
    await rm(right, { force: true });
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

import { randomUUID } from "node:crypto";
import type { Dirent } from "node:fs";
import {
  type FileHandle,
  link,
  mkdir,
  open,
  readdir,
  readFile,
  stat,
  unlink,
} from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { assertObjectPath, type ObjectStore, ObjectStoreUnavailableError } from "./objectStore.ts";
import { sha256Of, TURN_BYTES } from "./sha256.ts";

/** Half-written files, out of the way of every listing and glob. */
const TEMPORARY = ".tmp";

/** Keeps objects as files below a folder. */
export function createFolderObjectStore(root: string): ObjectStore {
  const base = resolve(root);

  return {
    putIfAbsent: (path, bytes) =>
      translate(`could not store ${path}`, () => putIfAbsent(base, path, bytes)),

    get: (path) =>
      translate(`could not read ${path}`, () => absentAsNull(readFile(fileOf(base, path)))),

    sha256: (path) =>
      translate(`could not read ${path}`, async () => {
        const file = await absentAsNull(open(fileOf(base, path)));
        if (file === null) return null;
        try {
          return await sha256Of(partsOf(file));
        } finally {
          await file.close();
        }
      }),

    stat: (path) =>
      translate(`could not stat ${path}`, async () => {
        const found = await absentAsNull(stat(fileOf(base, path)));
        return found === null ? null : { bytes: found.size };
      }),

    async *list(prefix) {
      const folder = prefix.replace(/\/$/, "");
      yield* listFiles(fileOf(base, folder), folder);
    },

    remove: (path) =>
      translate(`could not remove ${path}`, async () => {
        const file = fileOf(base, path);
        await absentAsNull(unlink(file));
        await absentAsNull(syncFolder(dirname(file)));
      }),
  };
}

/**
 * Writes beside, syncs, then links: the name appears with the whole content or not at all, and
 * unlike a rename a link fails when the name is taken.
 */
async function putIfAbsent(base: string, path: string, bytes: Uint8Array) {
  const file = fileOf(base, path);
  await makeDurableFolder(base, dirname(file));
  await mkdir(join(base, TEMPORARY), { recursive: true });
  const temporary = join(base, TEMPORARY, randomUUID());
  try {
    await writeDurably(temporary, bytes);
    try {
      await link(temporary, file);
    } catch (cause) {
      if (errorCode(cause) !== "EEXIST") throw cause;
      const present = await readFile(file);
      if (!present.equals(bytes)) return "different";
      // The attempt that stored it may have died before its name was durable.
      await syncFolder(dirname(file));
      return "same";
    }
    await syncFolder(dirname(file));
    return "stored";
  } finally {
    await unlink(temporary).catch(() => {});
  }
}

/** In one buffer, which each part overwrites: new memory for all of a file costs as much as hashing it. */
async function* partsOf(file: FileHandle): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.allocUnsafeSlow(TURN_BYTES);
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}

async function writeDurably(file: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(file, "wx");
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes a folder whose own name survives a power cut, not only what is put into it. */
async function makeDurableFolder(base: string, folder: string): Promise<void> {
  const firstMade = await mkdir(folder, { recursive: true });
  if (firstMade === undefined) return;
  for (let parent = dirname(folder); parent.length >= base.length; parent = dirname(parent)) {
    await syncFolder(parent);
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function* listFiles(folder: string, path: string): AsyncGenerator<string> {
  const entries: Dirent[] | null = await translate(`could not list ${path}`, () =>
    absentAsNull(readdir(folder, { withFileTypes: true })),
  );
  for (const entry of (entries ?? []).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const entryPath = `${path}/${entry.name}`;
    if (entry.isDirectory()) yield* listFiles(join(folder, entry.name), entryPath);
    else yield entryPath;
  }
}

function fileOf(base: string, path: string): string {
  assertObjectPath(path);
  return join(base, path);
}

async function absentAsNull<T>(found: Promise<T>): Promise<T | null> {
  try {
    return await found;
  } catch (cause) {
    if (errorCode(cause) === "ENOENT") return null;
    throw cause;
  }
}

async function translate<T>(what: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (cause) {
    if (errorCode(cause) === undefined) throw cause;
    throw new ObjectStoreUnavailableError(what, { cause });
  }
}

/** The error number that the operating system gave, if it was the one that failed. */
function errorCode(cause: unknown): string | undefined {
  if (!(cause instanceof Error) || !("code" in cause)) return undefined;
  return typeof cause.code === "string" ? cause.code : undefined;
}

/** The folder of a spool: the few file operations that it needs, so that tests can fail each. */
import {
  type FileHandle,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
} from "node:fs/promises";
import { dirname, join, relative, resolve, sep } from "node:path";

export interface SpoolFile {
  /** Writes at a position and syncs; both done, or an error and an unknown outcome. */
  write(bytes: Buffer, position: number): Promise<void>;
  /** Cuts the file and syncs. */
  truncate(bytes: number): Promise<void>;
  close(): Promise<void>;
}

export interface SpoolFolder {
  /** Names of its files, sorted. */
  list(): Promise<readonly string[]>;
  /** A new file, whose name is as durable as what will be written to it. */
  create(name: string): Promise<SpoolFile>;
  read(name: string): Promise<Buffer>;
  /** Bytes of a file. */
  sizeOf(name: string): Promise<number>;
  /** Another name for a file, as durable as its first. */
  rename(name: string, to: string): Promise<void>;
  /** No error if it is gone already. */
  remove(name: string): Promise<void>;
}

/** A real folder, created if it is not there. */
export async function openSpoolFolder(path: string): Promise<SpoolFolder> {
  await makeFolder(resolve(path));
  return {
    list: async () => (await readdir(path)).sort(),
    create: (name) => createFile(path, name),
    read: (name) => readFile(join(path, name)),
    sizeOf: async (name) => (await stat(join(path, name))).size,
    async rename(name, to) {
      await rename(join(path, name), join(path, to));
      await syncFolder(path);
    },
    remove: (name) => rm(join(path, name), { force: true }),
  };
}

/** A folder whose name, and the names of those above it that had to be made, survive a power cut. */
async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  let above = dirname(first);
  for (const name of relative(above, path).split(sep)) {
    await syncFolder(above);
    above = join(above, name);
  }
}

async function createFile(path: string, name: string): Promise<SpoolFile> {
  const handle = await open(join(path, name), "wx", 0o600);
  try {
    // Without this a power cut can lose the file's name, and with it what was synced into it.
    await syncFolder(path);
  } catch (error) {
    await handle.close().catch(() => {});
    await rm(join(path, name), { force: true }).catch(() => {});
    throw error;
  }
  return toSpoolFile(handle);
}

function toSpoolFile(handle: FileHandle): SpoolFile {
  return {
    async write(bytes, position) {
      for (let written = 0; written < bytes.length; ) {
        const at = position + written;
        const { bytesWritten } = await handle.write(bytes, written, bytes.length - written, at);
        written += bytesWritten;
      }
      await handle.datasync();
    },
    async truncate(bytes) {
      await handle.truncate(bytes);
      await handle.datasync();
    },
    close: () => handle.close(),
  };
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

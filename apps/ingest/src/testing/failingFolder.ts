import type { SpoolFile, SpoolFolder } from "../adapters/spool/spoolFolder.ts";

/** A real folder on a disk that can be made to fill up, to tear and to lie. */
export class FailingFolder implements SpoolFolder {
  readonly #folder: SpoolFolder;
  /** Bytes that still fit; the write that meets the end is torn there, as on a real disk. */
  freeBytes = Number.POSITIVE_INFINITY;
  /** Whether the cut after a failed write fails too. */
  failsToTruncate = false;
  /** Names of files whose sectors went bad. */
  readonly unreadable = new Set<string>();
  /** As Linux remounts a disk on which it met an error. */
  isReadOnly = false;

  constructor(folder: SpoolFolder) {
    this.#folder = folder;
  }

  list = () => this.#folder.list();
  sizeOf = (name: string) => this.#folder.sizeOf(name);

  async read(name: string): Promise<Buffer> {
    if (this.unreadable.has(name)) throw ioError();
    return this.#folder.read(name);
  }

  async rename(name: string, to: string): Promise<void> {
    if (this.isReadOnly) throw readOnly();
    await this.#folder.rename(name, to);
  }

  async remove(name: string): Promise<void> {
    if (this.isReadOnly) throw readOnly();
    await this.#folder.remove(name);
  }

  async create(name: string): Promise<SpoolFile> {
    if (this.isReadOnly) throw readOnly();
    const file = await this.#folder.create(name);
    return {
      write: async (bytes, position) => {
        const fitting = Math.min(bytes.length, this.freeBytes);
        this.freeBytes -= fitting;
        await file.write(bytes.subarray(0, fitting), position);
        if (fitting < bytes.length) throw diskFull();
      },
      truncate: async (bytes) => {
        if (this.failsToTruncate) throw diskFull();
        await file.truncate(bytes);
      },
      close: () => file.close(),
    };
  }
}

function ioError(): Error {
  return Object.assign(new Error("EIO: i/o error, read"), { code: "EIO" });
}

function readOnly(): Error {
  return Object.assign(new Error("EROFS: read-only file system"), { code: "EROFS" });
}

function diskFull(): Error {
  return Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
}

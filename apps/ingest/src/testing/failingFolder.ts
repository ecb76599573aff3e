import type { SpoolFile, SpoolFolder } from "../adapters/spool/spoolFolder.ts";

/** A real folder on a disk that can be made to fill up, to tear and to lie. */
export class FailingFolder implements SpoolFolder {
  readonly #folder: SpoolFolder;
  /** Bytes that still fit; the write that meets the end is torn there, as on a real disk. */
  freeBytes = Number.POSITIVE_INFINITY;
  /** Whether the cut after a failed write fails too. */
  failsToTruncate = false;

  constructor(folder: SpoolFolder) {
    this.#folder = folder;
  }

  list = () => this.#folder.list();
  read = (name: string) => this.#folder.read(name);
  remove = (name: string) => this.#folder.remove(name);

  async create(name: string): Promise<SpoolFile> {
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

function diskFull(): Error {
  return Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
}

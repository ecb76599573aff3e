/** Where the sending of a file stands, so that one that was interrupted goes on. */
import { mkdir, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { z } from "zod";
import { sha256Hex } from "../keys/hash.ts";
import type { DataDir } from "../stack/dataDir.ts";
import { writePrivateFile } from "../stack/files.ts";
import { readJsonFile } from "../stack/stackFile.ts";

const sendStateSchema = z.object({
  /** Lines of the file that the edge has answered for. */
  lines: z.int().nonnegative(),
  /** Hash over them; tells whether the file still begins with the same lines. */
  chainHex: z.string(),
  accepted: z.int().nonnegative(),
  rejected: z.int().nonnegative(),
});
export type SendState = z.infer<typeof sendStateSchema>;

export interface SendStateStore {
  load(): Promise<SendState | null>;
  /** A crash before it costs no event: those sent since are sent again, with the same ids. */
  save(state: SendState): Promise<void>;
  clear(): Promise<void>;
}

/** One file to one edge. */
export function createSendStateStore(
  data: DataDir,
  file: string,
  ingestUrl: string,
): SendStateStore {
  const folder = data.file("sends");
  const name = sha256Hex(JSON.stringify([resolve(file), ingestUrl])).slice(0, 32);
  const path = join(folder, `${name}.json`);
  return {
    load: () => readJsonFile(path, sendStateSchema),
    async save(state) {
      await mkdir(folder, { recursive: true });
      await writePrivateFile(path, JSON.stringify(state));
    },
    clear: () => rm(path, { force: true }),
  };
}

/** Standard input cannot be read again, so there is nothing to note. */
export const NO_SEND_STATE: SendStateStore = {
  load: async () => null,
  save: async () => {},
  clear: async () => {},
};

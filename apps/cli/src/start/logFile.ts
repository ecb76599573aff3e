import { createWriteStream, type WriteStream } from "node:fs";
import { rename, stat } from "node:fs/promises";
import { hasCode } from "../stack/files.ts";

/** A file of this size is set aside; together with the one before it, the most a log takes. */
const BYTES_MAX = 5 * 1_048_576;
/** Kept in memory, to explain an end. */
const LAST_LINES_MAX = 20;

export interface LogFile {
  readonly path: string;
  write(line: string): void;
  lastLines(): readonly string[];
  close(): Promise<void>;
}

/** A program's log: grows to 5 MiB, is set aside as `PATH.1`, and begins anew. */
export async function openLogFile(path: string): Promise<LogFile> {
  const lastLines: string[] = [];
  let bytes = await sizeOf(path);
  let stream = append(path);
  let rotation: Promise<void> | null = null;

  const rotate = async () => {
    await end(stream);
    await rename(path, `${path}.1`);
    stream = append(path);
    bytes = 0;
    rotation = null;
    for (const line of waiting.splice(0)) put(line);
  };
  const waiting: string[] = [];
  const put = (line: string) => {
    bytes += Buffer.byteLength(line) + 1;
    stream.write(`${line}\n`);
    if (bytes >= BYTES_MAX) rotation = rotate();
  };
  return {
    path,
    write(line) {
      lastLines.push(line);
      if (lastLines.length > LAST_LINES_MAX) lastLines.shift();
      if (rotation === null) put(line);
      else waiting.push(line);
    },
    lastLines: () => lastLines,
    async close() {
      await rotation;
      await end(stream);
    },
  };
}

function append(path: string): WriteStream {
  const stream = createWriteStream(path, { flags: "a", mode: 0o600 });
  // A full disk must not take the stack down for the sake of its logs.
  stream.on("error", () => {});
  return stream;
}

function end(stream: WriteStream): Promise<void> {
  return new Promise((resolve) => stream.end(() => resolve()));
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (hasCode(error, "ENOENT")) return 0;
    throw error;
  }
}

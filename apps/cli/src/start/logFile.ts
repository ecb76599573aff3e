import { createWriteStream, type WriteStream } from "node:fs";
import { rename, stat } from "node:fs/promises";
import { hasCode } from "../stack/files.ts";

/** A file of this size is set aside; together with the one before it, the most a log takes. */
const BYTES_MAX = 5 * 1_048_576;
/** Held in memory while the file is set aside, which takes a moment; older ones give way. */
const WAITING_LINES_MAX = 20_000;
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
  return new RotatingLogFile(path, await sizeOf(path));
}

class RotatingLogFile implements LogFile {
  readonly path: string;
  readonly #lastLines: string[] = [];
  /** Written while the file is being set aside. */
  readonly #waiting: string[] = [];
  #stream: WriteStream;
  #bytes: number;
  #rotation: Promise<void> | null = null;

  constructor(path: string, bytes: number) {
    this.path = path;
    this.#bytes = bytes;
    this.#stream = append(path);
  }

  write(line: string): void {
    this.#lastLines.push(line);
    if (this.#lastLines.length > LAST_LINES_MAX) this.#lastLines.shift();
    this.#waiting.push(line);
    if (this.#waiting.length > WAITING_LINES_MAX) this.#waiting.shift();
    this.#drain();
  }

  lastLines(): readonly string[] {
    return this.#lastLines;
  }

  async close(): Promise<void> {
    while (this.#rotation !== null) await this.#rotation;
    await end(this.#stream);
  }

  #drain(): void {
    while (this.#rotation === null) {
      const line = this.#waiting.shift();
      if (line === undefined) return;
      this.#bytes += Buffer.byteLength(line) + 1;
      this.#stream.write(`${line}\n`);
      if (this.#bytes >= BYTES_MAX) this.#rotation = this.#rotate();
    }
  }

  async #rotate(): Promise<void> {
    await end(this.#stream);
    // Somebody may have removed the file; a log is not worth the stack that writes it.
    await rename(this.path, `${this.path}.1`).catch(() => {});
    this.#stream = append(this.path);
    this.#bytes = 0;
    this.#rotation = null;
    this.#drain();
  }
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

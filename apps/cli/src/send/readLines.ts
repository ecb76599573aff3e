import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import { hasCode } from "../stack/files.ts";
import { CliError } from "../terminal/errors.ts";

/** A line longer than this is no event; more of it is not kept in memory. */
export const LINE_BYTES_MAX = 64 * 1024;

const LINE_FEED = 0x0a;

export interface InputLine {
  /** Without its line break. Of a line that is too long, its beginning. */
  readonly bytes: Buffer;
  readonly isTooLong: boolean;
}

/** Lines of bytes: not decoded, so that what is no UTF-8 reaches its judge as it is. */
export async function* readLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<InputLine> {
  let parts: Buffer[] = [];
  let length = 0;
  let hasPart = false;
  const take = (bytes: Buffer) => {
    if (length < LINE_BYTES_MAX) parts.push(bytes.subarray(0, LINE_BYTES_MAX - length));
    length += bytes.length;
    hasPart = true;
  };
  const line = (): InputLine => {
    const whole = { bytes: Buffer.concat(parts), isTooLong: length > LINE_BYTES_MAX };
    parts = [];
    length = 0;
    hasPart = false;
    return whole;
  };
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, start)) {
      take(chunk.subarray(start, end));
      yield line();
      start = end + 1;
    }
    if (start < chunk.length) take(chunk.subarray(start));
  }
  if (hasPart) yield line();
}

export interface InputFile {
  readonly chunks: AsyncIterable<Buffer>;
  /** Size of the whole; null where it is not known. */
  readonly bytes: number | null;
}

/** Opens a file for reading, through gunzip when it is named `*.gz`; `-` is standard input. */
export async function openInput(path: string, stdin: AsyncIterable<Buffer>): Promise<InputFile> {
  if (path === "-") return { chunks: stdin, bytes: null };
  try {
    const { size } = await stat(path);
    const file = createReadStream(path);
    if (!path.endsWith(".gz")) return { chunks: file, bytes: size };
    // A read error reaches the reader through the end of the pipeline.
    return { chunks: pipeline(file, createGunzip(), () => {}), bytes: null };
  } catch (error) {
    if (hasCode(error, "ENOENT")) throw new CliError("no_file", `There is no file ${path}`);
    throw error;
  }
}

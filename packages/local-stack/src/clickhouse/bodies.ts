/** Bodies of requests and answers: bounded, compressed or not, binary-safe. */
import { createWriteStream } from "node:fs";
import type { IncomingMessage } from "node:http";
import { Transform, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import zlib from "node:zlib";

/** Largest query text, and largest data of one INSERT, in bytes after decompression. */
export const QUERY_BYTES_MAX = 16 * 1_048_576;
export const DATA_BYTES_MAX = 1_024 * 1_048_576;

export class BodyTooLargeError extends Error {
  override readonly name = "BodyTooLargeError";
}

const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: () => zlib.createGunzip(),
  deflate: () => zlib.createInflate(),
  br: () => zlib.createBrotliDecompress(),
  zstd: () => zlib.createZstdDecompress(),
};

/** The stages that a body passes: a decompressor, or none. */
function decoders(request: IncomingMessage): Transform[] {
  const encoding = request.headers["content-encoding"] ?? "identity";
  if (encoding === "identity") return [];
  const decoder = DECODERS[encoding];
  if (decoder === undefined) throw new RangeError(`unknown Content-Encoding: ${encoding}`);
  return [decoder()];
}

function limit(bytesMax: number, seen: (bytes: number) => void): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      seen(bytes);
      if (bytes > bytesMax) done(new BodyTooLargeError(`more than ${bytesMax} bytes`));
      else done(null, chunk);
    },
  });
}

/** Reads a body of text whole. */
export async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  const collect = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  await pipeline([request, ...decoders(request), limit(QUERY_BYTES_MAX, () => {}), collect]);
  return Buffer.concat(chunks).toString("utf8");
}

/** Writes a body to a file as it comes, so that large data never lies in memory. Answers its size. */
export async function spoolTo(file: string, request: IncomingMessage): Promise<number> {
  let size = 0;
  const count = limit(DATA_BYTES_MAX, (bytes) => {
    size = bytes;
  });
  await pipeline([request, ...decoders(request), count, createWriteStream(file, { mode: 0o600 })]);
  return size;
}

const gzip = promisify(zlib.gzip);

/** Compresses an answer when the client asked for it, in the way that it takes. */
export async function encodeAnswer(
  bytes: Uint8Array,
  request: IncomingMessage,
): Promise<{ readonly bytes: Uint8Array; readonly encoding: string | null }> {
  const accepted = request.headers["accept-encoding"]?.toString() ?? "";
  if (!accepted.includes("gzip")) return { bytes, encoding: null };
  return { bytes: await gzip(bytes, { level: 1 }), encoding: "gzip" };
}

/** Bodies of requests and answers: bounded, compressed or not, binary-safe. */
import { isUtf8 } from "node:buffer";
import { createWriteStream } from "node:fs";
import type { IncomingMessage } from "node:http";
import { Transform, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import zlib from "node:zlib";
import { RefusedError } from "./exceptions.ts";

/** Largest query text, and largest data of one INSERT, in bytes after decompression. */
const QUERY_BYTES_MAX = 16 * 1_048_576;
const DATA_BYTES_MAX = 1_024 * 1_048_576;

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
  if (decoder === undefined) {
    throw new RefusedError("BAD_ARGUMENTS", `unknown Content-Encoding: ${encoding}`);
  }
  return [decoder()];
}

function limit(bytesMax: number): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes <= bytesMax) done(null, chunk);
      else done(new RefusedError("TOO_MANY_BYTES", `the body has more than ${bytesMax} bytes`));
    },
  });
}

/** Reads a body of text whole. Binary data go through `spoolTo`. */
export async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  const collect = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  await pipeline([request, ...decoders(request), limit(QUERY_BYTES_MAX), collect]);
  const bytes = Buffer.concat(chunks);
  // Decoding replaces what is no text, which would store other bytes than were sent.
  if (!isUtf8(bytes)) {
    throw new RefusedError("BAD_ARGUMENTS", "put the query in the URL to send binary data");
  }
  return bytes.toString("utf8");
}

/** Writes a body to a file as it comes, so that large data never lies in memory. */
export async function spoolTo(file: string, request: IncomingMessage): Promise<void> {
  const sink = createWriteStream(file, { mode: 0o600 });
  await pipeline([request, ...decoders(request), limit(DATA_BYTES_MAX), sink]);
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

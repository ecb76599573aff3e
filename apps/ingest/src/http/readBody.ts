/** Reads a request's body within a bound, and undoes its content encoding within the same bound. */
import type { IncomingMessage } from "node:http";
import { promisify } from "node:util";
import zlib from "node:zlib";
import type { BodyBuffers } from "./bodyBuffers.ts";

/** Most bytes of a body, as received and after decompression. */
export const BODY_BYTES_MAX = 1_048_576;
/** What RFC 9659 lets a zstd window be on the web; more is only asked for to exhaust memory. */
const ZSTD_WINDOW_LOG_MAX = 23;

export type ReadBody =
  | { readonly kind: "read"; readonly bytes: Buffer }
  | { readonly kind: "too_large" }
  /** The client went away; nobody is left to answer. */
  | { readonly kind: "aborted" };

/**
 * Reads the body as it was sent. Past the bound it stops listening at once; the rest is left in the
 * stream. How long it may take is bounded by the server's request timeout.
 */
export function readBody(request: IncomingMessage): Promise<ReadBody> {
  // Gone while the key was looked up: its events are over, and no listener would hear of it.
  if (request.destroyed) return Promise.resolve({ kind: "aborted" });
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const settle = (result: ReadBody) => {
      request.off("data", onData).off("end", onEnd).off("close", onClose);
      resolve(result);
    };
    const onData = (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > BODY_BYTES_MAX) settle({ kind: "too_large" });
      else chunks.push(chunk);
    };
    const onEnd = () => {
      const [first] = chunks;
      const isOne = first !== undefined && chunks.length === 1;
      settle({ kind: "read", bytes: isOne ? first : Buffer.concat(chunks) });
    };
    const onClose = () => settle({ kind: "aborted" });
    request.on("data", onData).on("end", onEnd).on("close", onClose);
  });
}

/**
 * Reads a body of known length, and hands it on in the turn in which its last byte comes; null when
 * the client went away before.
 *
 * @param length At least 1.
 * @param use Is also told how to give the body's memory back, once nobody looks at it any more.
 */
export function readAnnounced(
  request: IncomingMessage,
  length: number,
  buffers: BodyBuffers,
  use: (bytes: Buffer | null, giveBack: () => void) => void,
): void {
  let begun: Buffer | null = null;
  let bytes = 0;
  let isOver = false;
  // Asks for the body before anybody listens: then its bytes are handed on as the parser finds them,
  // instead of being laid by until the next turn.
  request.read(0);
  request.on("data", (chunk: Buffer) => {
    if (chunk.length === length) {
      isOver = true;
      use(chunk, keep);
      return;
    }
    const body = begun ?? buffers.take(length);
    begun = body;
    bytes += chunk.copy(body, bytes);
    if (bytes < length) return;
    isOver = true;
    use(body, () => buffers.giveBack(body));
  });
  request.on("close", () => {
    if (!isOver) use(null, keep);
  });
}

function keep(): void {}

type Decompress = (body: Buffer) => Promise<Buffer>;

const limits = { maxOutputLength: BODY_BYTES_MAX };
const gunzip = promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.gunzip);
const inflate = promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.inflate);
const inflateRaw = promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.inflateRaw);
const unbrotli = promisify<Buffer, zlib.BrotliOptions, Buffer>(zlib.brotliDecompress);
const unzstd = promisify<Buffer, zlib.ZstdOptions, Buffer>(zlib.zstdDecompress);

const DECOMPRESS_BY_ENCODING = new Map<string, Decompress | null>([
  ["identity", null],
  ["gzip", (body) => gunzip(body, limits)],
  ["x-gzip", (body) => gunzip(body, limits)],
  // Some senders leave out the zlib header that RFC 9110 asks for; its low four bits are always 8.
  ["deflate", (body) => (((body[0] ?? 0) & 15) === 8 ? inflate : inflateRaw)(body, limits)],
  ["br", (body) => unbrotli(body, limits)],
  [
    "zstd",
    (body) =>
      unzstd(body, {
        ...limits,
        params: { [zlib.constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_MAX },
      }),
  ],
]);

/** How to undo a `Content-Encoding`: null for none; undefined when it is not one of ours. */
export function decompressorOf(header: string | undefined): Decompress | null | undefined {
  return header === undefined ? null : DECOMPRESS_BY_ENCODING.get(header.trim().toLowerCase());
}

export type Decompressed =
  | { readonly kind: "read"; readonly bytes: Buffer }
  | { readonly kind: "too_large" }
  | { readonly kind: "bad_encoding" };

/** Undoes the encoding, if there is one. A bomb costs at most `BODY_BYTES_MAX` and its decoder's window. */
export async function decompress(body: Buffer, undo: Decompress | null): Promise<Decompressed> {
  if (undo === null) return { kind: "read", bytes: body };
  try {
    return { kind: "read", bytes: await undo(body) };
  } catch (error) {
    const isTooLarge = error instanceof Error && "code" in error && isOutputLimit(error.code);
    return { kind: isTooLarge ? "too_large" : "bad_encoding" };
  }
}

function isOutputLimit(code: unknown): boolean {
  return code === "ERR_BUFFER_TOO_LARGE";
}

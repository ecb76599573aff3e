/**
 * Undoes the content encoding of a body, within the bound that holds for a body as it is. All of it is
 * undone or none: Node passes over what follows the end of a compressed text, and events may be in it.
 */
import { promisify } from "node:util";
import zlib from "node:zlib";
import { zstdFrames } from "@trueclick/event-log/zstd-frame";
import { REQUEST_EVENTS_MAX } from "../domain/splitBody.ts";
import { BODY_BYTES_MAX } from "./readBody.ts";

/** What RFC 9659 lets a zstd window be on the web; more is only asked for to exhaust memory. */
const ZSTD_WINDOW_LOG_MAX = 23;
/** Frames of one body; a sender may compress each event by itself. */
const ZSTD_FRAMES_MAX = REQUEST_EVENTS_MAX;

type Decompress = (body: Buffer) => Promise<Buffer>;

const limits = { maxOutputLength: BODY_BYTES_MAX };
const gunzip = promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.gunzip);
const inflate = promisify<Buffer, zlib.ZlibOptions, unknown>(zlib.inflate);
const inflateRaw = promisify<Buffer, zlib.ZlibOptions, unknown>(zlib.inflateRaw);
const unbrotli = promisify<Buffer, zlib.BrotliOptions, unknown>(zlib.brotliDecompress);
const unzstd = promisify<Buffer, zlib.ZstdOptions, Buffer>(zlib.zstdDecompress);

const DECOMPRESS_BY_ENCODING = new Map<string, Decompress | null>([
  ["identity", null],
  // Reads all members that lie end to end, and refuses what is none.
  ["gzip", (body) => gunzip(body, limits)],
  ["x-gzip", (body) => gunzip(body, limits)],
  // Some senders leave out the zlib header that RFC 9110 asks for; its low four bits are always 8.
  ["deflate", (body) => undoOne(((body[0] ?? 0) & 15) === 8 ? inflate : inflateRaw, body)],
  ["br", (body) => undoOne(unbrotli, body)],
  ["zstd", undoFrames],
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
    const bytes = await undo(body);
    return bytes.length > BODY_BYTES_MAX ? { kind: "too_large" } : { kind: "read", bytes };
  } catch (error) {
    const isTooLarge = error instanceof Error && "code" in error && isOutputLimit(error.code);
    return { kind: isTooLarge ? "too_large" : "bad_encoding" };
  }
}

function isOutputLimit(code: unknown): boolean {
  return code === "ERR_BUFFER_TOO_LARGE";
}

/** Undoes an encoding that knows one text only. @throws if the body goes on behind it. */
async function undoOne(
  undo: (body: Buffer, options: { maxOutputLength: number; info: true }) => Promise<unknown>,
  body: Buffer,
): Promise<Buffer> {
  const undone = await undo(body, { ...limits, info: true });
  if (!isUndone(undone)) throw new TypeError("zlib did not say how much it has read");
  if (undone.engine.bytesWritten !== body.length) throw new Error("The text ends before the body");
  return undone.buffer;
}

/** What zlib answers when asked for `info`, which its types do not know. */
interface Undone {
  readonly buffer: Buffer;
  /** `bytesWritten`: of the compressed text. */
  readonly engine: { readonly bytesWritten: number };
}

function isUndone(value: unknown): value is Undone {
  if (typeof value !== "object" || value === null) return false;
  if (!("buffer" in value && "engine" in value)) return false;
  const { buffer, engine } = value;
  return (
    Buffer.isBuffer(buffer) &&
    typeof engine === "object" &&
    engine !== null &&
    "bytesWritten" in engine
  );
}

/** Undoes frames that lie end to end, whose contents are one text (RFC 8878, section 3.1). */
async function undoFrames(body: Buffer): Promise<Buffer> {
  const contents: Buffer[] = [];
  let bytesLeft = BODY_BYTES_MAX;
  for (const frame of zstdFrames(body)) {
    if (contents.length === ZSTD_FRAMES_MAX) throw new Error("There are too many frames");
    const content = await unzstd(frame, {
      // Node knows no limit of nothing; what is over by one byte is too large in the end.
      maxOutputLength: Math.max(1, bytesLeft),
      params: { [zlib.constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_MAX },
    });
    bytesLeft -= content.length;
    contents.push(content);
  }
  const [first] = contents;
  return first !== undefined && contents.length === 1 ? first : Buffer.concat(contents);
}

import { promisify } from "node:util";
import { constants, zstdCompress, zstdCompressSync, zstdDecompress } from "node:zlib";
import { KEPT_ZSTD_BYTES_MAX, KeptZstd } from "./keptZstd.ts";

const compressAsync = promisify(zstdCompress);
const decompressAsync = promisify(zstdDecompress);

/** Keeps a foreign producer's few bytes from becoming all of our memory. */
const UNCOMPRESSED_BYTES_MAX = 64 * 1_048_576;

/**
 * Level 1: NDJSON shrinks to less than a third at about 500 MB/s. The checksum costs next to nothing
 * and finds a flipped bit wherever it happened between the producer and the reader.
 */
const COMPRESSION = {
  params: { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 },
};

const kept = new KeptZstd(COMPRESSION);

/** Room for the output is taken in pieces of about the input's size, which is more than it needs. */
const CHUNK_BYTES_MIN = 1_024;
const CHUNK_BYTES_MAX = 262_144;

/**
 * Compresses on libuv's thread pool. Told the size beforehand, zstd takes tables that fit it: half the
 * time for a single event and for 500 (1.8 and 0.9 microseconds an event), at the same ratio.
 */
export function compressZstd(bytes: Buffer): Promise<Buffer> {
  return compressAsync(bytes, compressionOf(bytes));
}

/**
 * The same in this turn: for up to a hundred KiB the way to the thread pool and back, and a context
 * that is made for one call, cost as much as what is done there, or more.
 */
export function compressZstdNow(bytes: Buffer): Buffer {
  return kept.compress(bytes) ?? zstdCompressSync(bytes, compressionOf(bytes));
}

/**
 * Compresses up to `KEPT_ZSTD_BYTES_MAX` in this turn, before anything else can touch the bytes, and
 * more on the pool.
 *
 * @param headBytes Room before the frame, for the caller to fill.
 */
export async function compressZstdBehind(headBytes: number, bytes: Buffer): Promise<Buffer> {
  const framed = kept.compress(bytes, headBytes);
  if (framed !== null) return framed;
  const isShort = bytes.length <= KEPT_ZSTD_BYTES_MAX;
  const frame = isShort ? compressZstdNow(bytes) : await compressZstd(bytes);
  return Buffer.concat([Buffer.allocUnsafe(headBytes), frame]);
}

function compressionOf(bytes: Buffer) {
  const chunkSize = Math.min(Math.max(bytes.length, CHUNK_BYTES_MIN), CHUNK_BYTES_MAX);
  return { ...COMPRESSION, pledgedSrcSize: bytes.length, chunkSize };
}

/** @throws if the bytes are no zstd, damaged, or would grow beyond 64 MiB. */
export function decompressZstd(bytes: Buffer): Promise<Buffer> {
  return decompressAsync(bytes, { maxOutputLength: UNCOMPRESSED_BYTES_MAX });
}

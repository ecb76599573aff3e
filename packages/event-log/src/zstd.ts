import { promisify } from "node:util";
import { constants, zstdCompressSync, zstdDecompress } from "node:zlib";
import { KeptZstd, KeptZstdReader } from "./keptZstd.ts";
import { frameContentBytes, isWholeFrame, zstdFrames } from "./zstdFrame.ts";

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
const keptReader = new KeptZstdReader();

/** Room beyond what zstd can need: Node adds an empty frame to one that fills its room to the byte. */
const GROWTH_BYTES_MAX = 128;
const CHUNK_BYTES_MIN = 1_024;
/** Most of what is decompressed in one piece, whatever a foreign producer's frame says of its length. */
const PIECE_BYTES_MAX = 1_048_576;

/**
 * Compresses in this turn, before anything else can touch the bytes: two thirds of a millisecond for
 * a MiB. The thread pool makes a context for each call, which costs half as much again.
 *
 * @param headBytes Room before the frame, for the caller to fill.
 * @param take Gives memory for both, where that need not be new.
 */
export function compressZstd(
  bytes: Buffer,
  headBytes = 0,
  take: (length: number) => Buffer = Buffer.allocUnsafe,
): Buffer {
  const framed = kept.compress(bytes, headBytes, take);
  if (framed !== null) return framed;
  const frame = zstdCompressSync(bytes, {
    ...COMPRESSION,
    // Told the size, zstd takes tables that fit it.
    pledgedSrcSize: bytes.length,
    chunkSize: Math.max(bytes.length + (bytes.length >> 8) + GROWTH_BYTES_MAX, CHUNK_BYTES_MIN),
  });
  return Buffer.concat([Buffer.allocUnsafe(headBytes), frame]);
}

/** What is decompressed in the turn, a sixth of a millisecond. */
const NOW_BYTES_MAX = 262_144;

/**
 * Decompresses all frames that lie end to end, as a foreign producer may write them.
 *
 * @throws if the bytes are no zstd, damaged, followed by what is no frame, or would grow beyond 64 MiB.
 */
export async function decompressZstd(bytes: Buffer): Promise<Buffer> {
  const contents: Buffer[] = [];
  let bytesLeft = UNCOMPRESSED_BYTES_MAX;
  for (const frame of zstdFrames(bytes)) {
    const content = await decompressFrame(frame, bytesLeft);
    bytesLeft -= content.length;
    if (bytesLeft < 0) throw new RangeError("The frames grow beyond what one batch may");
    if (content.length > 0) contents.push(content);
  }
  const [first] = contents;
  return first !== undefined && contents.length === 1 ? first : Buffer.concat(contents);
}

/**
 * A frame that says how long its content is, as ours do, is decompressed in one piece, and in this
 * turn if it is short: in pieces of 16 KiB, each by way of the thread pool, a block of 125 events
 * takes four times the processor time.
 */
async function decompressFrame(bytes: Buffer, bytesMax: number): Promise<Buffer> {
  // Node knows no limit of nothing.
  const maxOutputLength = Math.max(1, bytesMax);
  const told = frameContentBytes(bytes);
  if (told === null) return decompressAsync(bytes, { maxOutputLength });
  const chunkSize = Math.min(Math.max(told, CHUNK_BYTES_MIN), PIECE_BYTES_MAX);
  const isShort = told <= Math.min(NOW_BYTES_MAX, bytesMax) && isWholeFrame(bytes);
  // Tried once more where that finds fault, without a limit on anybody's turn, to tell what is wrong.
  const whole = isShort ? keptReader.decompress(bytes, told) : null;
  return whole ?? decompressAsync(bytes, { maxOutputLength, chunkSize });
}

import { constants, createZstdCompress, createZstdDecompress, type ZstdOptions } from "node:zlib";
import { blockPool } from "./blockPool.ts";

/** What Node's zlib has below its streams: undocumented, so looked for and not taken for granted. */
interface Handle {
  onerror?: () => void;
  writeSync(
    flush: number,
    input: Buffer,
    inputAt: number,
    inputBytes: number,
    output: Buffer,
    outputAt: number,
    outputBytes: number,
  ): void;
}

/** Longest input, bytes: two of the log's largest blocks. Memory that was never used costs nothing. */
export const KEPT_ZSTD_BYTES_MAX = 2_097_152;
/** Longest output of zstd for that, `ZSTD_COMPRESSBOUND`, rounded up, and a checksum. */
const OUTPUT_BYTES_MAX = KEPT_ZSTD_BYTES_MAX + (KEPT_ZSTD_BYTES_MAX >> 8) + 1_024;

/**
 * A zstd context that is kept. Node makes one for each call and throws it away, and what it leaves
 * to be collected costs as much as the compression of a few dozen KiB.
 */
export class KeptZstd {
  readonly #handle: unknown;
  /** After each call: room left in the output, then input not taken. */
  readonly #state: unknown;
  readonly #output = Buffer.allocUnsafeSlow(OUTPUT_BYTES_MAX);

  constructor(options: ZstdOptions) {
    const stream = createZstdCompress(options);
    this.#handle = Reflect.get(stream, "_handle");
    this.#state = Reflect.get(stream, "_writeState");
  }

  /**
   * One frame, the same as `zstdCompressSync` writes when told the size of the input.
   *
   * @param bytes At most `KEPT_ZSTD_BYTES_MAX`.
   * @param headBytes Room before the frame, for the caller to fill.
   * @param take Gives the memory that both come to lie in; asked once.
   * @returns null where this Node has no such context to keep.
   */
  compress(
    bytes: Buffer,
    headBytes = 0,
    take: (length: number) => Buffer = Buffer.allocUnsafe,
  ): Buffer | null {
    const [handle, state, output] = [this.#handle, this.#state, this.#output];
    if (!isHandle(handle) || !(state instanceof Uint32Array)) return null;
    if (bytes.length > KEPT_ZSTD_BYTES_MAX) return null;
    // The end of a frame with its first byte: zstd so knows the size, and takes tables that fit it.
    handle.writeSync(constants.ZSTD_e_end, bytes, 0, bytes.length, output, 0, output.length);
    const [outputLeft = 0, inputLeft = 0] = state;
    if (inputLeft !== 0 || outputLeft === 0) throw new Error("zstd did not end its frame");
    const frameBytes = output.length - outputLeft;
    const framed = take(headBytes + frameBytes);
    output.copy(framed, headBytes, 0, frameBytes);
    return framed;
  }
}

/** As `KeptZstd`, for frames that are read. */
export class KeptZstdReader {
  #handle: unknown;
  #state: unknown;
  #failed = false;

  /**
   * @param frame One frame and nothing behind it, with its end.
   * @param contentBytes How long its content is, as the frame says.
   * @returns null for what is damaged or not as long as it says, and where this Node has no such
   *   context to keep.
   */
  decompress(frame: Buffer, contentBytes: number): Buffer | null {
    if (this.#handle === undefined) this.#open();
    const [handle, state] = [this.#handle, this.#state];
    if (!isHandle(handle) || !(state instanceof Uint32Array)) return null;
    // Of a frame that is longer than it says, the byte behind shows it.
    const output = blockPool.take(contentBytes + 1);
    handle.writeSync(constants.ZSTD_e_continue, frame, 0, frame.length, output, 0, output.length);
    const [outputLeft, inputLeft] = state;
    if (!this.#failed && outputLeft === 1 && inputLeft === 0) {
      return output.subarray(0, contentBytes);
    }
    // What it holds of this frame must not be in the next.
    this.#handle = undefined;
    return null;
  }

  #open(): void {
    const stream = createZstdDecompress();
    this.#failed = false;
    this.#handle = Reflect.get(stream, "_handle") ?? null;
    this.#state = Reflect.get(stream, "_writeState");
    if (!isHandle(this.#handle)) return;
    // Told of a fault, the stream would destroy itself, and with it the process that does not listen.
    this.#handle.onerror = () => {
      this.#failed = true;
    };
  }
}

function isHandle(value: unknown): value is Handle {
  return (
    typeof value === "object" &&
    value !== null &&
    "writeSync" in value &&
    typeof value.writeSync === "function"
  );
}

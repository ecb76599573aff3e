/** The bytes of one request's body and, behind them, the lines that are made of it. */

import { EventScanner } from "./eventScanner.ts";
import { type Piece, StampPieces } from "./stampPieces.ts";
import { LONG_BYTES, viewOf } from "./words.ts";

/** Behind the body stands a byte that no JSON has, so that a reader needs no look at its length. */
const END = 0;
/** A buffer that grew past this is not used again, bytes. */
const REUSED_BYTES_MAX = 4 * 1_048_576;
const FIRST_BYTES = 65_536;
/** Buffers kept for the next requests; more than one only while requests wait between slices. */
const BUFFERS_KEPT_MAX = 4;
/**
 * Longer runs of bytes are copied by what Node has for it, which takes as long as a hundred bytes do
 * here before its first one.
 */
const COPIED_BY_WORDS_MAX = 96;

export class LineBuffer {
  /** Changes when the buffer grows; do not keep it. */
  bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #words = viewOf(this.bytes);
  /** Where the next byte goes. */
  at = 0;
  /** Reads what is in it; as costly to make anew as the buffer. */
  readonly scanner = new EventScanner();
  readonly pieces = new StampPieces();

  /** Starts over with the body of another request. */
  load(body: Uint8Array): void {
    this.at = 0;
    this.reserve(body.length + 1);
    this.bytes.set(body);
    this.bytes[body.length] = END;
    this.at = body.length + 1;
  }

  /** Makes sure of room for so many bytes, and for the rest of the word that the last is part of. */
  reserve(bytes: number): void {
    const end = this.at + bytes + LONG_BYTES;
    if (end <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(2 * end);
    this.bytes.copy(larger, 0, 0, this.at);
    this.bytes = larger;
    this.#words = viewOf(larger);
  }

  /** For a piece that room was reserved for. */
  put({ words, length }: Piece): void {
    const to = this.#words;
    const at = this.at;
    // The last word may be longer than the piece: what comes next is written over it.
    for (let from = 0; from < length; from += LONG_BYTES) {
      to.setBigInt64(at + from, words.getBigInt64(from, true), true);
    }
    this.at = at + length;
  }

  /** The same for bytes of the body, `[start, end)`. */
  copy(start: number, end: number): void {
    const at = this.at;
    const length = end - start;
    this.at = at + length;
    if (length > COPIED_BY_WORDS_MAX) {
      this.bytes.copyWithin(at, start, end);
      return;
    }
    const words = this.#words;
    for (let from = 0; from < length; from += LONG_BYTES) {
      words.setBigInt64(at + from, words.getBigInt64(start + from, true), true);
    }
  }

  /** Writes a text with its own room. */
  putText(text: string): void {
    this.reserve(3 * text.length);
    this.at += this.bytes.write(text, this.at, "utf8");
  }
}

/** Lends buffers, since new ones would cost more than what is done in them. */
export class LineBuffers {
  readonly #free: LineBuffer[] = [];

  /** Lends a buffer until it is given back, the first time that this is said. */
  lend(): { readonly buffer: LineBuffer; readonly giveBack: () => void } {
    const buffer = this.#free.pop() ?? new LineBuffer();
    let isLent = true;
    const giveBack = () => {
      const isKept = this.#free.length < BUFFERS_KEPT_MAX;
      if (isLent && isKept && buffer.bytes.length <= REUSED_BYTES_MAX) this.#free.push(buffer);
      isLent = false;
    };
    return { buffer, giveBack };
  }
}

/** The encodings of Parquet that the archive uses, as its format specification has them. */
import type { ByteBuffer } from "./byteBuffer.ts";
import type { Numbers } from "./numbers.ts";

type Values = Numbers<Uint8Array> | Numbers<Uint32Array> | Numbers<Float64Array>;

const BLOCK_VALUES = 128;
const MINIBLOCKS = 4;
const MINIBLOCK_VALUES = BLOCK_VALUES / MINIBLOCKS;

/** Bits that the values from 0 to `max` need. */
export function bitWidth(max: number): number {
  return max === 0 ? 0 : 32 - Math.clz32(max);
}

/**
 * RLE/bit-packed hybrid: one run if all values are equal, else all of them packed.
 *
 * @param width Bits of each value, 0 to 32.
 */
export function writeHybrid(out: ByteBuffer, values: Values, width: number): void {
  const count = values.length;
  if (count === 0) return;
  const first = values.at(0);
  let isConstant = true;
  for (let at = 1; at < count && isConstant; at += 1) isConstant = values.at(at) === first;
  if (isConstant) {
    out.varint(count * 2);
    for (let shift = 0; shift < width; shift += 8) out.byte((first >>> shift) & 0xff);
    return;
  }
  const groups = Math.ceil(count / 8);
  out.varint(groups * 2 + 1);
  const packer = new BitPacker(out, width);
  for (let at = 0; at < groups * 8; at += 1) packer.add(at < count ? values.at(at) : 0);
}

/**
 * DELTA_BINARY_PACKED. Sequences, as offsets and times are, take a byte a value or less.
 *
 * @param values At least one; the greatest and the least are less than 2^31 apart.
 * @param base Added to each value.
 */
export function writeDeltas(out: ByteBuffer, values: Numbers<Float64Array>, base: bigint): void {
  out.varint(BLOCK_VALUES);
  out.varint(MINIBLOCKS);
  out.varint(values.length);
  out.zigzag(base + BigInt(values.at(0)));
  for (let start = 1; start < values.length; start += BLOCK_VALUES) {
    writeDeltaBlock(out, values, start, Math.min(start + BLOCK_VALUES, values.length));
  }
}

function writeDeltaBlock(
  out: ByteBuffer,
  values: Numbers<Float64Array>,
  start: number,
  end: number,
): void {
  let least = Number.POSITIVE_INFINITY;
  for (let at = start; at < end; at += 1) {
    least = Math.min(least, values.at(at) - values.at(at - 1));
  }
  const over = (at: number) => values.at(at) - values.at(at - 1) - least;
  const widths: number[] = [];
  for (let mini = 0; mini < MINIBLOCKS; mini += 1) {
    let greatest = 0;
    const from = start + mini * MINIBLOCK_VALUES;
    for (let at = from; at < Math.min(from + MINIBLOCK_VALUES, end); at += 1) {
      greatest = Math.max(greatest, over(at));
    }
    widths.push(bitWidth(greatest));
  }
  out.zigzag(BigInt(least));
  for (const width of widths) out.byte(width);
  for (const [mini, width] of widths.entries()) {
    if (width === 0) continue;
    const from = start + mini * MINIBLOCK_VALUES;
    const packer = new BitPacker(out, width);
    for (let at = from; at < from + MINIBLOCK_VALUES; at += 1) packer.add(at < end ? over(at) : 0);
  }
}

/** Packs values of equal width, the lowest bit first; a multiple of eight values ends on a byte. */
class BitPacker {
  readonly #out: ByteBuffer;
  readonly #width: number;
  #pending = 0;
  #bits = 0;

  constructor(out: ByteBuffer, width: number) {
    this.#out = out;
    this.#width = width;
  }

  add(value: number): void {
    if (this.#width > 24) {
      this.#addWide(value);
      return;
    }
    // Seven bits at most are pending, so 31 have room.
    this.#pending |= value << this.#bits;
    this.#bits += this.#width;
    while (this.#bits >= 8) {
      this.#out.byte(this.#pending & 0xff);
      this.#pending >>>= 8;
      this.#bits -= 8;
    }
  }

  #addWide(value: number): void {
    let rest = value;
    let left = this.#width;
    while (left > 0) {
      const taken = Math.min(8 - this.#bits, left);
      this.#pending |= (rest % 2 ** taken) << this.#bits;
      rest = Math.floor(rest / 2 ** taken);
      this.#bits += taken;
      left -= taken;
      if (this.#bits < 8) continue;
      this.#out.byte(this.#pending);
      this.#pending = 0;
      this.#bits = 0;
    }
  }
}

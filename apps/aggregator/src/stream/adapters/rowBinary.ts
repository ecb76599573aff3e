/**
 * Rows in ClickHouse's `RowBinary`: the values of a row side by side, of fixed width or behind their
 * length, little-endian. The engine takes them as they are; in text, both sides have to look for the
 * end of each name and number.
 */

const CAPACITY_FIRST_BYTES = 65_536;
const VARINT_MORE = 0x80;
const VARINT_BYTES_MAX = 5;
const TWO_TO_32 = 0x1_0000_0000;
const ASCII_MAX = 0x7f;
/** Texts up to here are written faster one by one than by a call into the runtime. */
const SHORT_TEXT_LENGTH_MAX = 48;

/** Writes values in the order of an INSERT's columns. */
export class RowBinaryWriter {
  #bytes = Buffer.allocUnsafe(CAPACITY_FIRST_BYTES);
  #end = 0;

  /** `UInt16`. @throws {RangeError} below 0 or above 65,535. */
  uint16(value: number): void {
    this.#end = this.#withRoom(2).writeUInt16LE(value, this.#end);
  }

  /** `DateTime`, epoch seconds. @throws {RangeError} before 1970 or after 2106. */
  uint32(value: number): void {
    this.#end = this.#withRoom(4).writeUInt32LE(value, this.#end);
  }

  /** `UInt64` of a count. @throws {RangeError} if it is no whole number from 0 on. */
  count(value: number): void {
    if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is no count`);
    const bytes = this.#withRoom(8);
    const high = Math.floor(value / TWO_TO_32);
    this.#end = bytes.writeUInt32LE(value - high * TWO_TO_32, this.#end);
    this.#end = bytes.writeUInt32LE(high, this.#end);
  }

  /** `UInt64`. @throws {RangeError} below 0 or above 2^64 - 1. */
  uint64(value: bigint): void {
    this.#end = this.#withRoom(8).writeBigUInt64LE(value, this.#end);
  }

  /** `Int64`; `DateTime64(3)`, epoch milliseconds. @throws {RangeError} beyond 63 bits. */
  int64(value: bigint): void {
    this.#end = this.#withRoom(8).writeBigInt64LE(value, this.#end);
  }

  /** `String` and `LowCardinality(String)`, as UTF-8. */
  text(value: string): void {
    if (value.length <= SHORT_TEXT_LENGTH_MAX && this.#shortAscii(value)) return;
    const length = Buffer.byteLength(value);
    const bytes = this.#withRoom(VARINT_BYTES_MAX + length);
    let rest = length;
    while (rest >= VARINT_MORE) {
      bytes[this.#end] = (rest % VARINT_MORE) + VARINT_MORE;
      this.#end += 1;
      rest = Math.floor(rest / VARINT_MORE);
    }
    bytes[this.#end] = rest;
    this.#end += 1 + bytes.write(value, this.#end + 1);
  }

  /** All that was written; the writer begins anew. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.#end);
    this.#bytes = Buffer.allocUnsafe(CAPACITY_FIRST_BYTES);
    this.#end = 0;
    return taken;
  }

  /** False, and nothing is written, if the text is not all ASCII. */
  #shortAscii(value: string): boolean {
    const { length } = value;
    const bytes = this.#withRoom(1 + length);
    const start = this.#end + 1;
    let all = 0;
    for (let index = 0; index < length; index += 1) {
      const unit = value.charCodeAt(index);
      all |= unit;
      bytes[start + index] = unit;
    }
    if (all > ASCII_MAX) return false;
    bytes[this.#end] = length;
    this.#end = start + length;
    return true;
  }

  #withRoom(bytes: number): Buffer {
    const needed = this.#end + bytes;
    if (needed <= this.#bytes.length) return this.#bytes;
    const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#bytes.length));
    this.#bytes.copy(larger, 0, 0, this.#end);
    this.#bytes = larger;
    return larger;
  }
}

import fc from "fast-check";
import { expect, it } from "vitest";
import { RowBinaryWriter } from "./rowBinary.ts";

/** A value: how it is written, and its bytes as the format is described. */
interface Written {
  readonly write: (to: RowBinaryWriter) => void;
  readonly bytes: Buffer;
}

function littleEndian(of: number | bigint, bits: 16 | 32 | 64): Buffer {
  const hex = BigInt.asUintN(bits, BigInt(of)).toString(16);
  return Buffer.from(hex.padStart(bits / 4, "0"), "hex").reverse();
}

/** Behind their length as a LEB128. */
function lengthAndBytes(of: string): Buffer {
  const bytes = Buffer.from(of);
  const length: number[] = [];
  for (let rest = bytes.length; ; rest >>>= 7) {
    if (rest < 0x80) return Buffer.from([...length, rest, ...bytes]);
    length.push((rest & 0x7f) | 0x80);
  }
}

const long = fc.string({ unit: "grapheme", minLength: 30, maxLength: 90 });
const text = fc.oneof(fc.string(), fc.string({ unit: "binary", maxLength: 60 }), long);
const huge = fc.integer({ min: 1, max: 70_000 }).map((length) => "é".repeat(length));
const written: fc.Arbitrary<Written> = fc.oneof(
  fc.oneof({ weight: 9, arbitrary: text }, huge).map((of) => {
    return { write: (to: RowBinaryWriter) => to.text(of), bytes: lengthAndBytes(of) };
  }),
  fc.integer({ min: 0, max: 0xffff }).map((of) => {
    return { write: (to: RowBinaryWriter) => to.uint16(of), bytes: littleEndian(of, 16) };
  }),
  fc.integer({ min: 0, max: 0xffff_ffff }).map((of) => {
    return { write: (to: RowBinaryWriter) => to.uint32(of), bytes: littleEndian(of, 32) };
  }),
  fc.maxSafeNat().map((of) => {
    return { write: (to: RowBinaryWriter) => to.count(of), bytes: littleEndian(of, 64) };
  }),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((of) => {
    return { write: (to: RowBinaryWriter) => to.uint64(of), bytes: littleEndian(of, 64) };
  }),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((of) => {
    return { write: (to: RowBinaryWriter) => to.int64(of), bytes: littleEndian(of, 64) };
  }),
);

it("writes values as the format has them, whatever they are and however many", () => {
  const writer = new RowBinaryWriter();
  fc.assert(
    fc.property(fc.array(written, { maxLength: 40 }), (values) => {
      for (const { write } of values) write(writer);
      expect(writer.take().equals(Buffer.concat(values.map(({ bytes }) => bytes)))).toBe(true);
    }),
  );
});

it("refuses what has no place in a column, instead of storing another number", () => {
  const writer = new RowBinaryWriter();
  for (const wrong of [-1, 1.5, 2 ** 53, Number.NaN]) {
    expect(() => writer.count(wrong)).toThrow(RangeError);
  }
  expect(() => writer.uint16(65_536)).toThrow(RangeError);
  expect(() => writer.uint32(-60)).toThrow(RangeError);
  expect(() => writer.uint64(-1n)).toThrow(RangeError);
});

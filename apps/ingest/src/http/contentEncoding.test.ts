import {
  brotliCompressSync,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from "node:zlib";
import { describe, expect, it } from "vitest";
import { decompress, decompressorOf } from "./contentEncoding.ts";
import { BODY_BYTES_MAX } from "./readBody.ts";

type Compress = (bytes: Buffer) => Buffer;

function undo(encoding: string, body: Buffer) {
  const undoEncoding = decompressorOf(encoding);
  if (undoEncoding === undefined) throw new RangeError(`${encoding} is not known`);
  return decompress(body, undoEncoding);
}

// A body of which the first text is taken and the rest passed over is events that are lost.
describe.each<[string, Compress]>([
  ["gzip", gzipSync],
  ["zstd", zstdCompressSync],
])("texts that lie end to end, in %s", (encoding, compress) => {
  it("are read as one", async () => {
    const lines = Array.from({ length: 1_000 }, (_, index) => Buffer.from(`{"a":${index}}\n`));
    const body = Buffer.concat(lines.map(compress));
    expect(await undo(encoding, body)).toEqual({ kind: "read", bytes: Buffer.concat(lines) });
  });

  it("are refused if not all of them are whole", async () => {
    const two = Buffer.concat([compress(Buffer.from("one")), compress(Buffer.from("two"))]);
    expect(await undo(encoding, two.subarray(0, -1))).toEqual({ kind: "bad_encoding" });
    const more = Buffer.concat([two, Buffer.from("three")]);
    expect(await undo(encoding, more)).toEqual({ kind: "bad_encoding" });
  });

  it("are too large if they are so together", async () => {
    const half = compress(Buffer.alloc(BODY_BYTES_MAX / 2));
    expect(await undo(encoding, Buffer.concat([half, half]))).toMatchObject({ kind: "read" });
    const over = Buffer.concat([half, half, compress(Buffer.alloc(1))]);
    expect(await undo(encoding, over)).toEqual({ kind: "too_large" });
    const bomb = Buffer.concat(Array.from({ length: 200 }, () => half));
    expect(await undo(encoding, bomb)).toEqual({ kind: "too_large" });
  });
});

describe.each<[string, Compress]>([
  ["deflate", deflateSync],
  ["deflate", deflateRawSync],
  ["br", brotliCompressSync],
])("%s, which knows one text", (encoding, compress) => {
  it("is refused when something follows it", async () => {
    const one = compress(Buffer.from("one"));
    expect(await undo(encoding, one)).toEqual({ kind: "read", bytes: Buffer.from("one") });
    for (const more of [one, Buffer.from("x")]) {
      const body = Buffer.concat([one, more]);
      expect(await undo(encoding, body)).toEqual({ kind: "bad_encoding" });
    }
  });
});

it("reads no more frames of zstd than a request may have events", async () => {
  const frame = zstdCompressSync("");
  const frames = (count: number) => Buffer.concat(Array.from({ length: count }, () => frame));
  expect(await undo("zstd", frames(1_000))).toMatchObject({ kind: "read" });
  expect(await undo("zstd", frames(1_001))).toEqual({ kind: "bad_encoding" });
});

import { randomBytes } from "node:crypto";
import { constants, createZstdCompress, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { expect, it } from "vitest";
import { KEPT_ZSTD_BYTES_MAX, KeptZstd, KeptZstdReader } from "./keptZstd.ts";
import { compressZstd, decompressZstd } from "./zstd.ts";
import { frameContentBytes, isWholeFrame, zstdFrames } from "./zstdFrame.ts";

// The size is told beforehand, and room is taken by it: bytes that do not shrink need more than that.
it.each([0, 1, 1_023, 1_024, 262_144, 1_048_576])(
  "gives back %i bytes as they were",
  async (size) => {
    for (const bytes of [randomBytes(size), Buffer.alloc(size, "event ")]) {
      expect((await decompressZstd(compressZstd(bytes))).equals(bytes)).toBe(true);
    }
  },
);

// Of a context that is kept, nothing of one block may be left in the next.
it("writes the frames that Node writes with a context for each", async () => {
  const params = { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 };
  const kept = new KeptZstd({ params });
  // A frame of 131,072 bytes, the one that shows what Node adds.
  expect(kept.compress(randomBytes(131_056))).toHaveLength(131_072);
  const size = fc.oneof(fc.nat(2_000), fc.nat(300_000), fc.constantFrom(KEPT_ZSTD_BYTES_MAX));
  const text = fc.tuple(size, fc.string({ minLength: 1, maxLength: 60 }));
  const noise = fc.tuple(size, fc.constant(null));
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(text, noise), { maxLength: 6 }), async (blocks) => {
      for (const [bytes, pattern] of blocks) {
        const block = pattern === null ? randomBytes(bytes) : Buffer.alloc(bytes, pattern);
        const frame = kept.compress(block);
        // Node adds an empty frame to one that fills its last piece of output to the byte.
        const onePiece = { pledgedSrcSize: bytes, chunkSize: 2 * KEPT_ZSTD_BYTES_MAX };
        const plain = zstdCompressSync(block, { params, ...onePiece });
        expect(frame?.equals(plain)).toBe(true);
        expect(compressZstd(block).equals(plain)).toBe(true);
        expect((await decompressZstd(plain)).equals(block)).toBe(true);
      }
    }),
    { numRuns: 40 },
  );
  expect(kept.compress(Buffer.alloc(KEPT_ZSTD_BYTES_MAX + 1))).toBeNull();
});

const harm: fc.Arbitrary<(frame: Buffer) => Buffer> = fc.oneof(
  fc.constant((frame: Buffer) => frame),
  fc.integer({ min: 1, max: 9 }).map((bytes) => (frame: Buffer) => frame.subarray(0, -bytes)),
  fc.nat().map((place) => (frame: Buffer) => {
    const flipped = Buffer.from(frame);
    flipped.writeUInt8(flipped.readUInt8(place % frame.length) ^ 4, place % frame.length);
    return flipped;
  }),
);

// Of a context that is kept, nothing of a frame that it did not read to the end may be in the next.
it("reads frames with one context, whatever was wrong with those before", () => {
  const kept = new KeptZstdReader();
  const told = fc.tuple(fc.constantFrom(0, 0, 0, -1, 1), fc.nat(1));
  const frame = fc.tuple(harm, fc.integer({ min: 1, max: 3_000 }), told);
  fc.assert(
    fc.property(fc.array(frame, { minLength: 1, maxLength: 8 }), (frames) => {
      for (const [harmed, size, [off, noise]] of frames) {
        const content = noise === 1 ? randomBytes(size) : Buffer.alloc(size, "event ");
        const params = { [constants.ZSTD_c_checksumFlag]: 1 };
        const whole = zstdCompressSync(content, { params, pledgedSrcSize: size });
        const bytes = harmed(whole);
        const read = isWholeFrame(bytes) ? kept.decompress(bytes, size + off) : null;
        const mayFail = off !== 0 || !bytes.equals(whole);
        expect((mayFail && read === null) || read?.equals(content)).toBe(true);
      }
    }),
    { numRuns: 200 },
  );
});

it.each([0, 1, 255, 256, 65_791, 65_792, 262_144, 262_145, 1_048_577])(
  "reads frames of %i bytes, with their length told and without, and finds what is wrong",
  async (size) => {
    const content = randomBytes(size);
    const params = { [constants.ZSTD_c_checksumFlag]: 1 };
    const told = zstdCompressSync(content, { params, pledgedSrcSize: size });
    const untold = await streamed(content);
    expect(frameContentBytes(told)).toBe(size);
    expect(frameContentBytes(untold)).toBeNull();
    for (const frame of [told, untold]) {
      expect((await decompressZstd(frame)).equals(content)).toBe(true);
      const damaged = Buffer.from(frame);
      damaged.writeUInt8((damaged.at(-1) ?? 0) ^ 1, damaged.length - 1);
      await expect(decompressZstd(damaged)).rejects.toThrow();
      await expect(decompressZstd(frame.subarray(0, -5))).rejects.toThrow();
    }
    // Told a length that is not its own, it is still not cut to it.
    const lying = lyingOf(told, size);
    if (lying !== null) await expect(decompressZstd(lying)).rejects.toThrow();
  },
);

const SKIPPABLE = Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);

// Node's zlib reads the first of them and says nothing of the others: their events would be lost.
it("reads all frames that lie end to end, and finds what is wrong behind the first", async () => {
  const size = fc.constantFrom(0, 1, 300, 70_000, 300_000);
  const kind = fc.constantFrom("told", "untold", "checked", "skippable");
  const frames = fc.array(fc.tuple(kind, size, fc.boolean()), { minLength: 1, maxLength: 6 });
  const makeFrame = async (how: string, content: Buffer) => {
    if (how === "skippable") return SKIPPABLE;
    if (how === "untold") return await streamed(content);
    const params = { [constants.ZSTD_c_checksumFlag]: how === "checked" ? 1 : 0 };
    return zstdCompressSync(content, { params, pledgedSrcSize: content.length });
  };
  await fc.assert(
    fc.asyncProperty(frames, async (all) => {
      const made = await Promise.all(
        all.map(async ([how, bytes, isNoise]) => {
          const content = isNoise ? randomBytes(bytes) : Buffer.alloc(bytes, "event ");
          const frame = await makeFrame(how, content);
          return { frame, content: how === "skippable" ? Buffer.alloc(0) : content };
        }),
      );
      const whole = Buffer.concat(made.map(({ frame }) => frame));
      const content = Buffer.concat(made.map((part) => part.content));
      expect((await decompressZstd(whole)).equals(content)).toBe(true);
      await expect(decompressZstd(Buffer.concat([whole, Buffer.from("more")]))).rejects.toThrow();
      await expect(decompressZstd(whole.subarray(0, -1))).rejects.toThrow();
    }),
    { numRuns: 30 },
  );
  await expect(decompressZstd(Buffer.alloc(0))).rejects.toThrow();
});

it("holds all frames together to one limit", async () => {
  const frame = zstdCompressSync(Buffer.alloc(262_144));
  const frames = (count: number) => Buffer.concat(Array.from({ length: count }, () => frame));
  expect(await decompressZstd(frames(256))).toHaveLength(64 * 1_048_576);
  await expect(decompressZstd(frames(257))).rejects.toThrow();
});

it("never reads past the bytes, whatever they are", () => {
  const start = fc.constantFrom(Buffer.alloc(0), zstdCompressSync("a"), SKIPPABLE.subarray(0, 4));
  fc.assert(
    fc.property(start, fc.uint8Array({ maxLength: 40 }), (first, rest) => {
      const bytes = Buffer.concat([first, rest]);
      const frameBytes = [...zstdFrames(bytes)].reduce((sum, frame) => sum + frame.length, 0);
      expect(frameBytes).toBeLessThanOrEqual(bytes.length);
    }),
  );
});

/** The frame with another length told in its four bytes; null where it has not four. */
function lyingOf(frame: Buffer, size: number): Buffer | null {
  const at = frame.indexOf(Buffer.from(Uint32Array.of(size).buffer));
  if (size < 65_792 || at !== 5 + (((frame[4] ?? 0) & 0x20) === 0 ? 1 : 0)) return null;
  const lying = Buffer.from(frame);
  lying.writeUInt32LE(size - 1_000, at);
  return lying;
}

/** As a program writes that does not know the end when it begins. */
async function streamed(content: Buffer): Promise<Buffer> {
  const stream = createZstdCompress({ params: { [constants.ZSTD_c_checksumFlag]: 1 } });
  if (content.length > 0) stream.write(content);
  stream.flush(() => stream.end());
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

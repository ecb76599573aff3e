import { randomBytes } from "node:crypto";
import { constants, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { expect, it } from "vitest";
import { KEPT_ZSTD_BYTES_MAX, KeptZstd } from "./keptZstd.ts";
import { compressZstd, compressZstdNow, decompressZstd } from "./zstd.ts";

// The size is told beforehand, and room is taken by it: bytes that do not shrink need more than that.
it.each([0, 1, 1_023, 1_024, 262_144, 1_048_576])(
  "gives back %i bytes as they were",
  async (size) => {
    for (const bytes of [randomBytes(size), Buffer.alloc(size, "event ")]) {
      expect((await decompressZstd(await compressZstd(bytes))).equals(bytes)).toBe(true);
    }
  },
);

// Of a context that is kept, nothing of one block may be left in the next.
it("writes the frames that Node writes with a context for each", async () => {
  const params = { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 };
  const kept = new KeptZstd({ params });
  const size = fc.oneof(fc.nat(2_000), fc.integer({ min: 0, max: KEPT_ZSTD_BYTES_MAX }));
  const text = fc.tuple(size, fc.string({ minLength: 1, maxLength: 60 }));
  const noise = fc.tuple(size, fc.constant(null));
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(text, noise), { maxLength: 6 }), async (blocks) => {
      for (const [bytes, pattern] of blocks) {
        const block = pattern === null ? randomBytes(bytes) : Buffer.alloc(bytes, pattern);
        const frame = kept.compress(block);
        const plain = zstdCompressSync(block, { params, pledgedSrcSize: bytes });
        expect(frame?.equals(plain)).toBe(true);
        expect((await decompressZstd(compressZstdNow(block))).equals(block)).toBe(true);
      }
    }),
    { numRuns: 40 },
  );
  expect(kept.compress(Buffer.alloc(KEPT_ZSTD_BYTES_MAX + 1))).toBeNull();
});

import { randomBytes } from "node:crypto";
import { expect, it } from "vitest";
import { compressZstd, decompressZstd } from "./zstd.ts";

// The size is told beforehand, and room is taken by it: bytes that do not shrink need more than that.
it.each([0, 1, 1_023, 1_024, 262_144, 1_048_576])(
  "gives back %i bytes as they were",
  async (size) => {
    for (const bytes of [randomBytes(size), Buffer.alloc(size, "event ")]) {
      expect((await decompressZstd(await compressZstd(bytes))).equals(bytes)).toBe(true);
    }
  },
);

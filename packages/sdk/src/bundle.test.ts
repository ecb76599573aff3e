import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";
import { bundleSdk } from "../bundle.mjs";

/** What a page pays for it. */
const GZIP_BYTES_MAX = 3 * 1_024;

it.each(["esm", "iife"] as const)("is small: %s", async (format) => {
  const code = await bundleSdk(format);
  expect(gzipSync(code).length).toBeLessThanOrEqual(GZIP_BYTES_MAX);
  expect(code).toContain("createTrueclick");
});

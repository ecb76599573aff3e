import { createRequire } from "node:module";
import { crc32c } from "@node-rs/crc32";

const CHECKSUM_MODULE = "kafkajs/src/protocol/recordBatch/crc32C/index.js";

/**
 * Has kafkajs sum its record batches in native code: its own loop over every byte takes longer than
 * all else that it does to a batch (0.3 against 10 GB/s). kafkajs loads what writes batches with the
 * first of them, so this comes in time when it is called before a producer sends.
 */
export function sumNatively(): void {
  const require = createRequire(import.meta.url);
  const path = require.resolve(CHECKSUM_MODULE);
  require(path);
  const checksum = require.cache[path];
  if (checksum !== undefined) checksum.exports = (bytes: Buffer) => crc32c(bytes);
}

import { createRequire } from "node:module";
import { crc32c } from "@node-rs/crc32";
import fc from "fast-check";
import { expect, it } from "vitest";
import { sumNatively } from "./nativeCrc32c.ts";

const require = createRequire(import.meta.url);
const RECORD_BATCH = "kafkajs/src/protocol/recordBatch/";
/** Of a batch: first offset 8 bytes, length 4, leader epoch 4, magic 1, then the sum, 4. */
const SUM_AT = 17;

/** Calls what kafkajs has not given a type. */
function call(untyped: unknown, argument: unknown): unknown {
  if (typeof untyped !== "function") throw new TypeError("Not a function");
  return Reflect.apply(untyped, undefined, [argument]);
}

// A batch whose sum is wrong is refused by every broker; one that is summed slowly is not noticed.
it("sums what kafkajs sends natively, to the same sums", async () => {
  const byKafkajs: unknown = require(`${RECORD_BATCH}crc32C/index.js`);
  sumNatively();
  const native: unknown = require(`${RECORD_BATCH}crc32C/index.js`);
  expect(native).not.toBe(byKafkajs);
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      expect(call(native, Buffer.from(bytes))).toBe(call(byKafkajs, Buffer.from(bytes)));
    }),
  );
  const { RecordBatch } = require(`${RECORD_BATCH}v0/index.js`);
  const batch: unknown = await call(RecordBatch, { records: [] });
  const buffer = Reflect.get(Object(batch), "buffer");
  if (!Buffer.isBuffer(buffer)) throw new TypeError("No batch");
  expect(buffer.readUInt32BE(SUM_AT)).toBe(crc32c(buffer.subarray(SUM_AT + 4)));
});

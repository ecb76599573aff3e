/// <reference path="./kafkajsInternals.d.ts" />

import kafkajs from "kafkajs";
import RequestQueue from "kafkajs/src/network/requestQueue/index.js";
import { compressZstd, decompressZstd } from "../zstd.ts";
import { sumNatively } from "./nativeCrc32c.ts";
import { teachRecordBatches } from "./produceBatches.ts";

/** kafkajs's own interval for looking at requests that could not be sent at once. */
const PENDING_CHECK_INTERVAL_MS = 10;

/**
 * Makes kafkajs 2.2.4 fit for us, for the whole process; may be called any number of times.
 *
 * - It has a place for a zstd codec but brings none.
 * - Each of its connections sets a timer to a negative time, over and over: a thousand wake-ups a
 *   second when idle, and a warning on Node 24. Nothing needs a timer while no request is waiting.
 * - It sums every batch byte by byte in JavaScript.
 * - It copies what it sends many times; a batch that is ready it cannot take.
 */
export function repairKafkajs(): void {
  kafkajs.CompressionCodecs[kafkajs.CompressionTypes.ZSTD] = () => ({
    compress: async (encoder: { readonly buffer: Buffer }) => compressZstd(encoder.buffer),
    decompress: decompressZstd,
  });
  sumNatively();
  teachRecordBatches();
  RequestQueue.prototype.scheduleCheckPendingRequests = scheduleCheckPendingRequests;
}

function scheduleCheckPendingRequests(this: RequestQueue): void {
  if (this.pending.length === 0 || this.throttleCheckTimeoutId !== null) return;
  const throttledMs = this.throttledUntil - Date.now();
  this.throttleCheckTimeoutId = setTimeout(
    () => {
      this.throttleCheckTimeoutId = null;
      this.checkPendingRequests();
    },
    throttledMs > 0 ? throttledMs : PENDING_CHECK_INTERVAL_MS,
  );
}

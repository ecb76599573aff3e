/** The other side of `workerEncoder.ts`: encodes what it is sent, one stretch after the other. */
import { parentPort } from "node:worker_threads";
import type { EncodeAnswer, EncodeRequest } from "./encoderMessages.ts";
import { StretchEncoder } from "./stretchEncoder.ts";

const encoder = new StretchEncoder();

parentPort?.on("message", (request: EncodeRequest) => {
  const { id, partition, firstOffset, bytes, ends, offsets, appendTimesMs } = request;
  let start = 0;
  const records = Array.from(ends, (end, at) => {
    const value = bytes.subarray(start, end);
    start = end;
    return { offset: offsets[at] ?? 0n, appendTimeMs: appendTimesMs[at] ?? 0, value };
  });
  const hours = encoder.encode({ partition, firstOffset, records });
  // Not a part of a pool that the encoder goes on to write to: `Buffer.concat` may give one.
  const answer: EncodeAnswer = {
    id,
    hours: hours.map((hour) => ({ ...hour, bytes: new Uint8Array(hour.bytes) })),
  };
  parentPort?.postMessage(
    answer,
    answer.hours.map(({ bytes: own }) => own.buffer),
  );
});

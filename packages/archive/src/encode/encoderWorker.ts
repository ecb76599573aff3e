/** The other side of `workerEncoder.ts`: does what it is sent, one thing after the other. */
import { parentPort } from "node:worker_threads";
import type { EncodeRequest, EncoderAnswer, MergeRequest } from "./encoderMessages.ts";
import { mergeObjects } from "./objectMerger.ts";
import { StretchEncoder } from "./stretchEncoder.ts";

const encoder = new StretchEncoder();

parentPort?.on("message", async (request: EncodeRequest | MergeRequest) => {
  try {
    if (request.kind === "encode") answerEncoded(request);
    else await answerMerged(request);
  } catch (error) {
    post({ kind: "failed", id: request.id, error }, []);
  }
});

function answerEncoded(request: EncodeRequest): void {
  const { id, partition, firstOffset, bytes, ends, offsets, appendTimesMs } = request;
  let start = 0;
  const records = Array.from(ends, (end, at) => {
    const value = bytes.subarray(start, end);
    start = end;
    return { offset: offsets[at] ?? 0n, appendTimeMs: appendTimesMs[at] ?? 0, value };
  });
  const encoded = encoder.encode({ partition, firstOffset, records });
  const hours = encoded.map((hour) => ({ ...hour, bytes: own(hour.bytes) }));
  post(
    { kind: "encoded", id, hours },
    hours.map(({ bytes: { buffer } }) => buffer),
  );
}

async function answerMerged({ id, base, objects }: MergeRequest): Promise<void> {
  const merged = await mergeObjects(base, objects);
  const bytes = own(merged.bytes);
  post({ kind: "merged", id, rows: merged.rows, bytes }, [bytes.buffer]);
}

/** Not a part of a pool, which could not be handed over. */
function own(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}

function post(answer: EncoderAnswer, handedOver: ArrayBuffer[]): void {
  parentPort?.postMessage(answer, handedOver);
}

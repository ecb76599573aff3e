import { Worker } from "node:worker_threads";
import type { EncoderStretch } from "../domain/encoderStretch.ts";
import type { ObjectEncoder, ObjectMerger } from "../objectEncoder.ts";
import type { EncodeRequest, EncoderAnswer, MergeRequest } from "./encoderMessages.ts";

/** The thread broke down; what it was doing can be done again. */
export class EncoderFailedError extends Error {
  override readonly name = "EncoderFailedError";
}

export interface WorkerEncoder extends ObjectEncoder, ObjectMerger {
  /** Ends the thread. What it was doing is rejected. */
  close(): Promise<void>;
}

type Waiting = PromiseWithResolvers<EncoderAnswer>;

/**
 * Encodes in a thread of its own, so that this one has only to copy the blocks once. The thread
 * starts with the first stretch, and anew after it broke down; it keeps no process alive.
 */
export function createWorkerEncoder(): WorkerEncoder {
  let thread: EncoderThread | null = null;
  let lastId = 0;
  const ask = async (request: EncodeRequest | MergeRequest, handedOver: ArrayBuffer[]) => {
    if (thread === null || thread.hasEnded) thread = new EncoderThread();
    const answer = await thread.ask(request, handedOver);
    if (answer.kind === "failed") {
      throw new EncoderFailedError("the encoding thread failed", { cause: answer.error });
    }
    return answer;
  };
  const nextId = () => {
    lastId += 1;
    return lastId;
  };
  return {
    async encode(stretch) {
      const request = toRequest(nextId(), stretch);
      const { bytes, ends, offsets, appendTimesMs } = request;
      const answer = await ask(request, [
        bytes.buffer,
        ends.buffer,
        offsets.buffer,
        appendTimesMs.buffer,
      ]);
      if (answer.kind === "encoded") return answer.hours;
      throw new EncoderFailedError("the thread answered something else");
    },
    async merge(base, objects) {
      const own = objects.map((object) => new Uint8Array(object));
      const request: MergeRequest = { kind: "merge", id: nextId(), base, objects: own };
      const answer = await ask(
        request,
        own.map(({ buffer }) => buffer),
      );
      if (answer.kind === "merged") return answer;
      throw new EncoderFailedError("the thread answered something else");
    },
    async close() {
      await thread?.end();
    },
  };
}

class EncoderThread {
  readonly #worker = new Worker(new URL("./encoderWorker.ts", import.meta.url));
  readonly #waiting = new Map<number, Waiting>();
  #hasEnded = false;

  constructor() {
    this.#worker.unref();
    this.#worker.on("message", (answer: EncoderAnswer) => {
      this.#waiting.get(answer.id)?.resolve(answer);
      this.#waiting.delete(answer.id);
    });
    this.#worker.on("error", (cause) => this.#fail(cause));
    this.#worker.on("exit", () => this.#fail(undefined));
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  ask(request: EncodeRequest | MergeRequest, handedOver: ArrayBuffer[]): Promise<EncoderAnswer> {
    const waiting: Waiting = Promise.withResolvers();
    this.#waiting.set(request.id, waiting);
    this.#worker.postMessage(request, handedOver);
    return waiting.promise;
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  #fail(cause: unknown): void {
    this.#hasEnded = true;
    const error = new EncoderFailedError("the encoding thread ended", { cause });
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

function toRequest(id: number, { partition, firstOffset, records }: EncoderStretch): EncodeRequest {
  const length = records.reduce((sum, { value }) => sum + value.length, 0);
  const bytes = new Uint8Array(length);
  const ends = new Uint32Array(records.length);
  let end = 0;
  for (const [at, { value }] of records.entries()) {
    bytes.set(value, end);
    end += value.length;
    ends[at] = end;
  }
  return {
    kind: "encode",
    id,
    partition,
    firstOffset,
    bytes,
    ends,
    offsets: BigInt64Array.from(records, ({ offset }) => offset),
    appendTimesMs: Float64Array.from(records, ({ appendTimeMs }) => appendTimeMs),
  };
}

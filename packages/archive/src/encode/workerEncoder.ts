import { Worker } from "node:worker_threads";
import type { EncoderStretch } from "../domain/encoderStretch.ts";
import type { EncodedHour, ObjectEncoder } from "../objectEncoder.ts";
import type { EncodeAnswer, EncodeRequest } from "./encoderMessages.ts";

/** The thread broke down; what it was encoding can be encoded again. */
export class EncoderFailedError extends Error {
  override readonly name = "EncoderFailedError";
}

export interface WorkerEncoder extends ObjectEncoder {
  /** Ends the thread. What it was encoding is rejected. */
  close(): Promise<void>;
}

type Waiting = PromiseWithResolvers<readonly EncodedHour[]>;

/**
 * Encodes in a thread of its own, so that this one has only to copy the blocks once. The thread
 * starts with the first stretch, and anew after it broke down; it keeps no process alive.
 */
export function createWorkerEncoder(): WorkerEncoder {
  let thread: EncoderThread | null = null;
  let lastId = 0;
  return {
    encode(stretch) {
      if (thread === null || thread.hasEnded) thread = new EncoderThread();
      lastId += 1;
      return thread.encode(toRequest(lastId, stretch));
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
    this.#worker.on("message", ({ id, hours }: EncodeAnswer) => {
      this.#waiting.get(id)?.resolve(hours);
      this.#waiting.delete(id);
    });
    this.#worker.on("error", (cause) => this.#fail(cause));
    this.#worker.on("exit", () => this.#fail(undefined));
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  encode(request: EncodeRequest): Promise<readonly EncodedHour[]> {
    const waiting: Waiting = Promise.withResolvers();
    this.#waiting.set(request.id, waiting);
    const { bytes, ends, offsets, appendTimesMs } = request;
    const moved = [bytes.buffer, ends.buffer, offsets.buffer, appendTimesMs.buffer];
    this.#worker.postMessage(request, moved);
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
    id,
    partition,
    firstOffset,
    bytes,
    ends,
    offsets: BigInt64Array.from(records, ({ offset }) => offset),
    appendTimesMs: Float64Array.from(records, ({ appendTimeMs }) => appendTimeMs),
  };
}

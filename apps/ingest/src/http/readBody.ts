/** Reads a request's body within a bound. */
import type { IncomingMessage } from "node:http";
import type { ReusedBuffers } from "../domain/reusedBuffers.ts";
import { isWithoutBody } from "./requestHeaders.ts";

/** Most bytes of a body, as received and after decompression. */
export const BODY_BYTES_MAX = 1_048_576;

export type ReadBody =
  | { readonly kind: "read"; readonly bytes: Buffer }
  | { readonly kind: "too_large" }
  /** The client went away; nobody is left to answer. */
  | { readonly kind: "aborted" };

/**
 * Reads the body as it was sent. Past the bound it stops listening at once; the rest is left in the
 * stream. How long it may take is bounded by the server's request timeout.
 */
export function readBody(request: IncomingMessage): Promise<ReadBody> {
  // Node makes no stream of such a body: nothing would ever be heard of it.
  if (isWithoutBody(request)) return Promise.resolve({ kind: "read", bytes: Buffer.alloc(0) });
  // Gone while the key was looked up: its events are over, and no listener would hear of it.
  if (request.destroyed) return Promise.resolve({ kind: "aborted" });
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const settle = (result: ReadBody) => {
      request.off("data", onData).off("end", onEnd).off("close", onClose);
      resolve(result);
    };
    const onData = (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > BODY_BYTES_MAX) settle({ kind: "too_large" });
      else chunks.push(chunk);
    };
    const onEnd = () => {
      const [first] = chunks;
      const isOne = first !== undefined && chunks.length === 1;
      settle({ kind: "read", bytes: isOne ? first : Buffer.concat(chunks) });
    };
    const onClose = () => settle({ kind: "aborted" });
    request.on("data", onData).on("end", onEnd).on("close", onClose);
  });
}

/**
 * Reads a body of known length, and hands it on in the turn in which its last byte comes; null when
 * the client went away before.
 *
 * @param length At least 1.
 * @param use Is also told how to give the body's memory back, once nobody looks at it any more.
 */
export function readAnnounced(
  request: IncomingMessage,
  length: number,
  buffers: ReusedBuffers,
  use: (bytes: Buffer | null, giveBack: () => void) => void,
): void {
  let begun: Buffer | null = null;
  let bytes = 0;
  let isOver = false;
  // Asks for the body before anybody listens: then its bytes are handed on as the parser finds them,
  // instead of being laid by until the next turn.
  request.read(0);
  request.on("data", (chunk: Buffer) => {
    if (chunk.length === length) {
      isOver = true;
      use(chunk, keep);
      return;
    }
    const body = begun ?? buffers.take(length);
    begun = body;
    bytes += chunk.copy(body, bytes);
    if (bytes < length) return;
    isOver = true;
    use(body, () => buffers.giveBack(body));
  });
  request.on("close", () => {
    if (!isOver) use(null, keep);
  });
}

function keep(): void {}

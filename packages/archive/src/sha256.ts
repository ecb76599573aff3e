import { createHash } from "node:crypto";
import { setImmediate } from "node:timers/promises";

/** Bytes that are hashed in one turn: half a millisecond. */
export const TURN_BYTES = 1_048_576;

/**
 * SHA-256 in lower-case hex, in turns, so that others are answered meanwhile.
 *
 * @param parts Bytes in their order. A part is done with once the next one is asked for.
 */
export async function sha256Of(parts: AsyncIterable<Uint8Array>): Promise<string> {
  const sum = createHash("sha256");
  for await (const part of parts) sum.update(part);
  return sum.digest("hex");
}

/** What is in memory, in parts of a turn each. */
export async function* inTurns(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += TURN_BYTES) {
    yield bytes.subarray(start, start + TURN_BYTES);
    await setImmediate();
  }
}

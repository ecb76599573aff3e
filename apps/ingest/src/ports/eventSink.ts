import type { Block, Line } from "../domain/blocks.ts";

/** The durable log as the edge uses it. */
export interface EventSink {
  /** Partitions of the log; null until it has been reached for the first time. */
  partitionCount(): number | null;
  /**
   * Resolves once all blocks are on durable storage, and not before: that is what a 202 promises.
   *
   * @param onRead Told, before this resolves, that nobody will look at the bytes of the blocks any
   *   more, where that is known: their memory may be used for others. Of an append that failed, or was
   *   given up and may go on, it is not.
   * @throws {SinkUnavailableError} The outcome is unknown. Answer 503; the sender sends again under
   *   the same ids, and a second copy is counted once.
   */
  append(blocks: readonly Block[], onRead?: () => void): Promise<void>;
  /** @throws {SinkUnavailableError} Nothing can be appended now. */
  ping(): Promise<void>;
}

/** The log as requests use it. */
export interface LineSink extends EventSink {
  /**
   * Appends lines of a buffer. They are copied before this returns: the buffer may be used again.
   *
   * @param partitionCount Among how many partitions those of the lines were chosen.
   * @throws {SinkUnavailableError} As `append`.
   */
  appendLines(bytes: Buffer, lines: readonly Line[], partitionCount: number): Promise<void>;
}

export class SinkUnavailableError extends Error {
  override readonly name = "SinkUnavailableError";
}

/** Where a program writes the lines of its log, as far as its end is concerned: pino's destination. */
export interface LineWriter {
  /** Writes what waits, in its order, and closes. */
  end(): void;
  once(event: "close", listener: () => void): unknown;
}

/** How long the last lines may take to be written, milliseconds. Who reads them may be gone. */
const LAST_LINES_TIMEOUT_MS = 1_000;

/**
 * Resolves once all lines are written, or nobody takes them. To be awaited before `process.exit`: at
 * an exit pino writes what waits before the line that a thread is still at, so that of the last lines
 * the later come first.
 */
export function lastLinesWritten(
  lines: LineWriter,
  timeoutMs = LAST_LINES_TIMEOUT_MS,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, timeoutMs);
  lines.once("close", () => {
    clearTimeout(timer);
    resolve();
  });
  lines.end();
  return promise;
}

/** What this program has to say to whoever runs it: lines of JSON. */

type Level = "info" | "warn" | "error" | "fatal";

/** @param message More than `msg`, where there is more. */
export function toLogLine(level: Level, msg: string, message?: string): string {
  return JSON.stringify({ level, msg, ...(message !== undefined && { message }) });
}

export function writeLogLine(level: Level, msg: string, message?: string): void {
  process.stderr.write(`${toLogLine(level, msg, message)}\n`);
}

/** The one beneath: those above it repeat whole statements. */
export function reasonOf(error: unknown): string {
  let reason = error;
  while (reason instanceof Error && reason.cause instanceof Error) reason = reason.cause;
  return reason instanceof Error ? reason.message : String(reason);
}

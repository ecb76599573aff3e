import { setTimeout as pause } from "node:timers/promises";
import { CliError } from "../terminal/errors.ts";

const POLL_MS = 100;
const PROBE_TIMEOUT_MS = 5_000;

/**
 * Waits until an address answers 200.
 *
 * @throws {CliError} `not_ready` after `withinMs`, with the last answer.
 */
export async function waitUntilReady(
  what: string,
  url: string,
  withinMs: number,
  signal: AbortSignal,
): Promise<void> {
  const deadline = Date.now() + withinMs;
  let last = "no answer";
  while (Date.now() < deadline) {
    signal.throwIfAborted();
    last = await probe(url);
    if (last === "200") return;
    await pause(POLL_MS);
  }
  const seconds = Math.round(withinMs / 1000);
  throw new CliError("not_ready", `${what} was not ready within ${seconds} s: ${url}: ${last}`);
}

async function probe(url: string): Promise<string> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
    const text = await answer.text();
    return answer.status === 200 ? "200" : `${answer.status} ${text.slice(0, 300)}`;
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return cause instanceof Error ? cause.message : String(cause);
  }
}

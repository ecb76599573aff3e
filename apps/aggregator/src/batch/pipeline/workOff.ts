import { pause } from "../../archive/pipeline/backoff.ts";
import type { RoleLogger } from "../../archive/pipeline/runArchive.ts";

/** What is asked for beside jobs: taken up, worked on, and answered, one at a time. */
export interface Works<Work extends { readonly id: number }, Answer> {
  /** In the log, in the plural. */
  readonly name: string;
  /** Takes the oldest that waits, or whose runner died; null when there is none. */
  take(): Promise<Work | null>;
  run(work: Work, signal: AbortSignal): Promise<Answer>;
  finish(id: number, answer: Answer): Promise<void>;
  fail(id: number, error: string): Promise<void>;
}

const POLL_INTERVAL_MS = 2_000;
const ERROR_LENGTH_MAX = 1_000;

/** Works off what is asked for, one at a time, until aborted. Stores that are away are waited for. */
export async function workOff<Work extends { readonly id: number }, Answer>(
  works: Works<Work, Answer>,
  logger: RoleLogger,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      if (await workOne(works, signal)) continue;
    } catch (error) {
      if (!signal.aborted) logger.warn({ err: error }, `${works.name} wait for a store`);
    }
    await pause(POLL_INTERVAL_MS, signal);
  }
}

/** Answers whether there was one. */
async function workOne<Work extends { readonly id: number }, Answer>(
  works: Works<Work, Answer>,
  signal: AbortSignal,
): Promise<boolean> {
  const work = await works.take();
  if (work === null) return false;
  try {
    await works.finish(work.id, await works.run(work, signal));
  } catch (error) {
    // Left as it is, it is begun again when its lease ends.
    if (signal.aborted) throw error;
    const message = error instanceof Error ? error.message : String(error);
    await works.fail(work.id, message.slice(0, ERROR_LENGTH_MAX));
  }
  return true;
}

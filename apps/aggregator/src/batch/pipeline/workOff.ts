import { pause } from "../../archive/pipeline/backoff.ts";
import type { RoleLogger } from "../../archive/pipeline/runArchive.ts";
import { JobLostError, JobRefusedError } from "../ports/jobQueue.ts";
import type { Claim, WorkQueue } from "../ports/workQueue.ts";

/** What is asked for beside jobs: taken up, worked on, and answered, one at a time. */
export interface Works<Work extends Claim, Answer> extends WorkQueue {
  /** In the log, in the plural. */
  readonly name: string;
  /** Takes the oldest that waits, or whose worker died; null when there is none. */
  take(): Promise<Work | null>;
  run(work: Work, signal: AbortSignal): Promise<Answer>;
  /** @throws {JobLostError} It is not this worker's any more, and was not written. */
  finish(work: Claim, answer: Answer): Promise<void>;
}

export interface WorkOffRole {
  /** A fraction of the queue's lease, milliseconds. */
  readonly renewIntervalMs: number;
  readonly logger: RoleLogger;
}

const POLL_INTERVAL_MS = 2_000;
const ERROR_LENGTH_MAX = 1_000;

/** Works off what is asked for, one at a time, until aborted. Stores that are away are waited for. */
export async function workOff<Work extends Claim, Answer>(
  works: Works<Work, Answer>,
  role: WorkOffRole,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      if (await workOne(works, role, signal)) continue;
    } catch (error) {
      if (!signal.aborted) role.logger.warn({ err: error }, `${works.name} wait for a store`);
    }
    await pause(POLL_INTERVAL_MS, signal);
  }
}

/** Answers whether there was one. */
async function workOne<Work extends Claim, Answer>(
  works: Works<Work, Answer>,
  role: WorkOffRole,
  signal: AbortSignal,
): Promise<boolean> {
  const work = await works.take();
  if (work === null) return false;
  const about = { work: work.id, attempt: work.attempt };
  try {
    const answer = await claimed(works, role, work, signal);
    await works.finish(work, answer);
  } catch (error) {
    if (error instanceof JobLostError) {
      role.logger.warn({ ...about, err: error }, `one of the ${works.name} has another worker`);
      return true;
    }
    // It was handed back.
    if (signal.aborted) throw error;
    const message = (error instanceof Error ? error.message : String(error)).slice(
      0,
      ERROR_LENGTH_MAX,
    );
    if (error instanceof JobRefusedError) {
      await works.fail(work, message);
    } else {
      role.logger.warn({ ...about, err: error }, `one of the ${works.name} did not succeed`);
      await works.retry(work, message);
    }
  }
  return true;
}

/**
 * Runs a work while renewing its lease. The signal given to it aborts when the role ends, or when the
 * claim was lost; what it throws is then a `JobLostError`.
 */
async function claimed<Work extends Claim, Answer>(
  works: Works<Work, Answer>,
  role: WorkOffRole,
  work: Work,
  signal: AbortSignal,
): Promise<Answer> {
  const done = new AbortController();
  const lost = new AbortController();
  const keeping = keepClaim({ works, role, work, done: done.signal, lost }, signal);
  try {
    return await works.run(work, AbortSignal.any([signal, lost.signal]));
  } catch (error) {
    throw lost.signal.aborted ? lost.signal.reason : error;
  } finally {
    done.abort();
    await keeping;
  }
}

interface KeptClaim {
  readonly works: WorkQueue;
  readonly role: WorkOffRole;
  readonly work: Claim;
  /** Aborted once the work has come to an end. */
  readonly done: AbortSignal;
  readonly lost: AbortController;
}

/**
 * Hands the work back as soon as the role ends, and not once the work does: a slice that is being judged
 * may take longer than a process is given to end. What becomes of it is fenced off.
 */
async function keepClaim(
  { works, role, work, done, lost }: KeptClaim,
  signal: AbortSignal,
): Promise<void> {
  const ended = AbortSignal.any([signal, done]);
  for (;;) {
    await pause(role.renewIntervalMs, ended);
    if (done.aborted) return;
    try {
      if (signal.aborted) return await works.handBack(work);
      await works.renew(work);
    } catch (error) {
      if (error instanceof JobLostError) return lost.abort(error);
      // A later renewal may still come in time; of one that is not handed back the lease ends.
      role.logger.warn({ err: error, work: work.id }, "could not say that a worker lives");
      if (signal.aborted) return;
    }
  }
}

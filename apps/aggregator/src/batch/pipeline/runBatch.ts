import { backOff, pause } from "../../archive/pipeline/backoff.ts";
import type { RoleLogger } from "../../archive/pipeline/runArchive.ts";
import { type Job, JobLostError, type JobQueue, JobRefusedError } from "../ports/jobQueue.ts";
import { type JobStores, runJob } from "./runJob.ts";

export interface BatchRole extends JobStores {
  readonly queue: JobQueue;
  /** Jobs run side by side. */
  readonly jobsMax: number;
  /** A fraction of the queue's lease, milliseconds. */
  readonly renewIntervalMs: number;
  readonly logger: RoleLogger;
}

const POLL_INTERVAL_MS = 250;
/** An engine's error may repeat the whole query; its beginning says what is wrong. */
const ERROR_LENGTH_MAX = 1_000;

/** Works off the queue until aborted. Stores that are away are waited for. Never throws. */
export async function runBatch(role: BatchRole, signal: AbortSignal): Promise<void> {
  await Promise.all(Array.from({ length: role.jobsMax }, () => runQueue(role, signal)));
}

async function runQueue(role: BatchRole, signal: AbortSignal): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    try {
      const job = (await role.queue.takeAbandoned()) ?? (await role.queue.take());
      if (job === null) await pause(POLL_INTERVAL_MS, signal);
      else await workOff(role, job, signal);
      failures = 0;
    } catch (error) {
      failures += 1;
      role.logger.warn({ err: error, failures }, "the batch queue did not answer; trying again");
      await backOff(failures, signal);
    }
  }
}

/** Runs a job to its end: through all attempts, or until somebody else has taken it up. */
async function workOff(role: BatchRole, taken: Job, signal: AbortSignal): Promise<void> {
  let job: Job | null = taken;
  while (job !== null && !signal.aborted) {
    job = await attempt(role, job, signal);
    if (job !== null) await leased(role, job, signal, (held) => backOff(1, held));
  }
  if (job !== null) await role.queue.abandon(job.id);
}

/** One attempt. Answers with the job to go on with, null when there is none. */
async function attempt(role: BatchRole, job: Job, signal: AbortSignal): Promise<Job | null> {
  const { logger, queue } = role;
  const about = { job: job.id.toString(), advertiser: job.advertiserId, day: job.billingDay };
  try {
    const outcome = await leased(role, job, signal, (held) => runJob(role, job, held));
    logger.info({ ...about, outcome }, "a batch job has ended");
    return null;
  } catch (error) {
    if (error instanceof JobLostError) {
      logger.warn({ ...about, err: error }, "a batch job was taken up by another runner");
      return null;
    }
    if (signal.aborted) {
      await queue.abandon(job.id);
      return null;
    }
    const message = errorText(error);
    if (error instanceof JobRefusedError) {
      logger.error({ ...about, err: error }, "a batch job has failed");
      await queue.fail(job.id, message);
      return null;
    }
    logger.warn({ ...about, err: error }, "an attempt at a batch job has failed");
    return queue.replace(job, message);
  }
}

/**
 * Does something while renewing the job's lease. The signal given to it aborts when the role ends,
 * or when the job was lost; what it throws is then a `JobLostError`.
 */
async function leased<T>(
  role: BatchRole,
  job: Job,
  signal: AbortSignal,
  act: (held: AbortSignal) => Promise<T>,
): Promise<T> {
  const done = new AbortController();
  const lost = new AbortController();
  const renewing = renew(role, job, AbortSignal.any([signal, done.signal]), lost);
  try {
    return await act(AbortSignal.any([signal, lost.signal]));
  } catch (error) {
    throw lost.signal.aborted ? lost.signal.reason : error;
  } finally {
    done.abort();
    await renewing;
  }
}

async function renew(
  role: BatchRole,
  job: Job,
  signal: AbortSignal,
  lost: AbortController,
): Promise<void> {
  while (!signal.aborted) {
    await pause(role.renewIntervalMs, signal);
    if (signal.aborted) return;
    try {
      await role.queue.renewLease(job.id);
    } catch (error) {
      if (error instanceof JobLostError) return lost.abort(error);
      // A later renewal may still come in time; if none does, the job is lost at `settle`.
      role.logger.warn(
        { err: error, job: job.id.toString() },
        "could not renew the lease of a job",
      );
    }
  }
}

function errorText(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.length > ERROR_LENGTH_MAX ? `${text.slice(0, ERROR_LENGTH_MAX)}…` : text;
}

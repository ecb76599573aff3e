import type { JobStep } from "@trueclick/db/postgres/schema/truth";
import type { IsoDay } from "@trueclick/shared/calendar";
import type { AdvertiserId } from "@trueclick/shared/ids";

/** One attempt at recounting a truth partition. Its id is also the `build_id` of what it writes. */
export interface Job {
  readonly id: bigint;
  readonly advertiserId: AdvertiserId;
  readonly billingDay: IsoDay;
  readonly reason: string;
  /** Judges every event itself by the rules of now, whatever an earlier count judged and by what. */
  readonly full: boolean;
  /** From 1. */
  readonly attempt: number;
}

/** How far a running job is. */
export interface JobProgress {
  readonly step: JobStep;
  readonly slicesDone: number;
  readonly slicesTotal: number;
}

/**
 * The queue of jobs. A job id is run once: an attempt that died or failed in passing is closed as
 * `cancelled` and goes on under a new id, of the same request. So whatever a dead attempt has
 * written, or an insert of unknown outcome is still writing, lies under a build of its own that no
 * version will ever name.
 */
export interface JobQueue {
  /** Takes the oldest waiting job whose partition has none running; null when there is none. */
  take(): Promise<Job | null>;
  /**
   * Takes up a job whose runner died, under a new id. Null when there is none, or when the one
   * found had its last attempt and so has failed.
   */
  takeAbandoned(): Promise<Job | null>;
  /** Goes on with a job under a new id after an error that may pass; null after the last attempt. */
  replace(job: Job, error: string): Promise<Job | null>;
  /** Keeps a running job from being taken for abandoned. @throws {JobLostError} */
  renewLease(jobId: bigint): Promise<void>;
  /** Renews the lease and says how far the job is. @throws {JobLostError} Also once it is cancelled. */
  report(jobId: bigint, progress: JobProgress): Promise<void>;
  /** Gives a job up, so that it is taken up at once instead of when its lease ends. */
  abandon(jobId: bigint): Promise<void>;
  /** Ends a job that would fail again, with an error that its requester can act on. */
  fail(jobId: bigint, error: string): Promise<void>;
}

/** The job is no longer this runner's: it was cancelled, or its lease ended and it was taken up. */
export class JobLostError extends Error {
  override readonly name = "JobLostError";
}

/** The job cannot succeed as things are. The message names what is wrong and where. */
export class JobRefusedError extends Error {
  override readonly name = "JobRefusedError";
}

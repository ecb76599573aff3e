import { setTimeout as pause } from "node:timers/promises";
import { isFinished, type JobProgress, jobProgress } from "@trueclick/db/queries/jobs";
import type { Stores } from "@trueclick/db/stores";
import { CliError } from "../terminal/errors.ts";
import type { Progress } from "../terminal/progress.ts";

const POLL_MS = 300;
/** Without any job coming to an end for so long, nobody runs them. */
const STALLED_MS = 5 * 60_000;

export interface FollowJobsOptions {
  readonly progress: Progress;
  readonly stop: AbortSignal;
}

/**
 * Waits until all jobs have come to an end, good or bad.
 *
 * @throws {CliError} `jobs_stalled` when none does, `stopped` when the user stops; the jobs go on.
 */
export async function followJobs(
  stores: Stores,
  jobIds: readonly number[],
  { progress, stop }: FollowJobsOptions,
): Promise<JobProgress[]> {
  let endedBefore = -1;
  let movedAtMs = Date.now();
  for (;;) {
    const jobs = await jobProgress(stores, { kind: "all" }, jobIds);
    const ended = jobs.filter(isFinished).length;
    if (ended === jobIds.length) {
      progress.clear();
      return jobs;
    }
    if (ended !== endedBefore) movedAtMs = Date.now();
    endedBefore = ended;
    if (Date.now() - movedAtMs > STALLED_MS) {
      const told = `${jobIds.length - ended} jobs wait and none has ended for five minutes.`;
      throw new CliError("jobs_stalled", `${told} Does the aggregator run?`);
    }
    progress.show(ended / jobIds.length, `${ended} of ${jobIds.length} days counted`);
    await pause(POLL_MS, null, { signal: stop }).catch(() => {
      throw new CliError("stopped", "Stopped watching; the jobs go on. See `batch status`.");
    });
  }
}

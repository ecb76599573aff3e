import { queueJobs } from "@trueclick/db/queries/jobs";
import type { Stores } from "@trueclick/db/stores";
import { openEventLog, withStores } from "../stack/openStores.ts";
import { resolveStack } from "../stack/settings.ts";
import type { StackFile } from "../stack/stackFile.ts";
import { type CliContext, EXIT_DONE, EXIT_FAILED, type VerbResult } from "../terminal/context.ts";
import { createProgress } from "../terminal/progress.ts";
import { followJobs } from "./followJobs.ts";
import { formatJobs, toJobJson } from "./formatJobs.ts";
import { partitionsToCount } from "./partitionsToCount.ts";
import { waitForArchive } from "./waitForArchive.ts";

export interface BatchRequest {
  /** All with new events when undefined. */
  readonly day?: string | undefined;
  /** All when undefined. */
  readonly advertiser?: string | undefined;
  readonly reason: string;
}

/** Counts everything for billing that the log holds now, and waits for it. */
export async function runBatch(context: CliContext, request: BatchRequest): Promise<VerbResult> {
  const stack = await resolveStack(context);
  return withStores(stack, (stores) => countDays(context, stack, stores, request));
}

async function countDays(
  context: CliContext,
  stack: StackFile,
  stores: Stores,
  { day, advertiser, reason }: BatchRequest,
): Promise<VerbResult> {
  const watching = { progress: createProgress(context.stderr), stop: context.stop };
  const selection = { day, advertiserId: advertiser };
  // Before the waiting: a mistake in the command should not take a minute to be told.
  if (day !== undefined || advertiser !== undefined) await partitionsToCount(stores, selection);
  await waitForArchive(stores.db, openEventLog(stack), { topic: stack.eventsTopic, ...watching });
  const partitions = await partitionsToCount(stores, selection);
  if (partitions.length === 0) {
    return { text: "Nothing to count: no day has new events.", json: { jobs: [] } };
  }
  const request = { partitions, reason, requestedBy: "trueclick batch run" };
  const { requestId, jobIds } = await queueJobs(stores, { kind: "all" }, request);
  const jobs = await followJobs(stores, jobIds, watching);
  const failed = jobs.filter(({ state }) => state === "failed" || state === "cancelled").length;
  const published = jobs.filter(({ state }) => state === "published").length;
  const told = `${published} days published, ${jobs.length - published - failed} as they were`;
  return {
    text: `${formatJobs(jobs)}\n${told}, ${failed} failed`,
    json: { request_id: requestId, jobs: jobs.map(toJobJson) },
    exitCode: failed === 0 ? EXIT_DONE : EXIT_FAILED,
  };
}

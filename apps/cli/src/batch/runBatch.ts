import { CHANGED_CLICKS, truthDirtyDays } from "@trueclick/db/queries/dirtyDays";
import { queueJobs, type TruthPartition } from "@trueclick/db/queries/jobs";
import type { Stores } from "@trueclick/db/stores";
import { openEventLog, withStores } from "../stack/openStores.ts";
import { resolveStack } from "../stack/settings.ts";
import type { StackFile } from "../stack/stackFile.ts";
import { type CliContext, EXIT_DONE, EXIT_FAILED, type VerbResult } from "../terminal/context.ts";
import { createProgress } from "../terminal/progress.ts";
import { creditedOtherwise } from "./creditedDays.ts";
import { followJobs } from "./followJobs.ts";
import { formatJobs, toJobJson } from "./formatJobs.ts";
import { partitionsBetween, partitionsToCount } from "./partitionsToCount.ts";
import { waitForArchive } from "./waitForArchive.ts";

export interface BatchRequest {
  /** All that have changed when undefined. */
  readonly day?: string | undefined;
  /** All when undefined. */
  readonly advertiser?: string | undefined;
  readonly reason: string;
}

export interface RecomputeRequest {
  /** The first and the last billing day, `YYYY-MM-DD`. */
  readonly from: string;
  readonly to: string;
  /** All when undefined. */
  readonly advertiser?: string | undefined;
  readonly reason: string;
}

/** Counts everything for billing that the log holds now, and waits for it. */
export async function runBatch(context: CliContext, request: BatchRequest): Promise<VerbResult> {
  const stack = await resolveStack(context);
  return withStores(stack, (stores) => countDays(context, stack, stores, request));
}

/** Counts days again, changed or not, and waits for it. */
export async function recompute(
  context: CliContext,
  request: RecomputeRequest,
): Promise<VerbResult> {
  const stack = await resolveStack(context);
  const { from: fromDay, to: toDay, advertiser, reason } = request;
  return withStores(stack, (stores) =>
    countWhat(context, stack, stores, {
      choose: () => partitionsBetween(stores, { fromDay, toDay }, advertiser),
      chosenFirst: true,
      reason,
      requestedBy: "trueclick recompute",
      full: true,
      daysNamed: true,
    }),
  );
}

function countDays(
  context: CliContext,
  stack: StackFile,
  stores: Stores,
  { day, advertiser, reason }: BatchRequest,
): Promise<VerbResult> {
  const selection = { day, advertiserId: advertiser };
  return countWhat(context, stack, stores, {
    choose: () => partitionsToCount(stores, selection),
    chosenFirst: day !== undefined || advertiser !== undefined,
    reason,
    requestedBy: "trueclick batch run",
    full: false,
    daysNamed: day !== undefined,
  });
}

/** What days are credited with hangs on what others judged, and not on what those are credited with. */
const CREDIT_ROUNDS_MAX = 2;

interface Count {
  readonly choose: () => Promise<readonly TruthPartition[]>;
  /** Whether the choice can be a mistake, which should not take a minute to be told. */
  readonly chosenFirst: boolean;
  readonly reason: string;
  readonly requestedBy: string;
  /** Judges every event again, also where nothing has changed. */
  readonly full: boolean;
  /** Whether days were asked for by name: others are then left to the next run, whatever changed. */
  readonly daysNamed: boolean;
}

async function countWhat(
  context: CliContext,
  stack: StackFile,
  stores: Stores,
  { choose, chosenFirst, daysNamed, ...asked }: Count,
): Promise<VerbResult> {
  const watching = { progress: createProgress(context.stderr), stop: context.stop };
  if (chosenFirst) await choose();
  await waitForArchive(stores.db, openEventLog(stack), { topic: stack.eventsTopic, ...watching });
  const partitions = await choose();
  if (partitions.length === 0) {
    return { text: "Nothing to count: no day has changed.", json: { jobs: [] } };
  }
  const count = async (some: readonly TruthPartition[], request: typeof asked) => {
    const { requestId, jobIds } = await queueJobs(
      stores,
      { kind: "all" },
      { partitions: some, ...request },
    );
    return { requestId, jobs: await followJobs(stores, jobIds, watching) };
  };
  const { requestId, jobs } = await count(partitions, asked);
  for (let round = 0; round < CREDIT_ROUNDS_MAX; round += 1) {
    const ids = [...new Set(partitions.map(({ advertiserId }) => advertiserId))];
    const dirty = await truthDirtyDays(stores, { kind: "advertisers", ids });
    const credited = creditedOtherwise(dirty, partitions, daysNamed);
    if (credited.length === 0) break;
    const request = { ...asked, reason: CHANGED_CLICKS, full: false };
    jobs.push(...(await count(credited, request)).jobs);
  }
  const failed = jobs.filter(({ state }) => state === "failed" || state === "cancelled").length;
  const published = jobs.filter(({ state }) => state === "published").length;
  const told = `${published} days published, ${jobs.length - published - failed} as they were`;
  return {
    text: `${formatJobs(jobs)}\n${told}, ${failed} failed`,
    json: { request_id: requestId, jobs: jobs.map(toJobJson) },
    exitCode: failed === 0 ? EXIT_DONE : EXIT_FAILED,
  };
}

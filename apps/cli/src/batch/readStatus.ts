import { batchJobs, JOB_STATES } from "@trueclick/db/postgres/schema/truth";
import { truthDirtyDays } from "@trueclick/db/queries/dirtyDays";
import { jobProgress } from "@trueclick/db/queries/jobs";
import type { Stores } from "@trueclick/db/stores";
import { count, desc, max } from "drizzle-orm";
import { withStores } from "../stack/openStores.ts";
import { resolveStack } from "../stack/settings.ts";
import type { CliContext, VerbResult } from "../terminal/context.ts";
import { formatJobs, toJobJson } from "./formatJobs.ts";

const JOBS_TOLD_MAX = 20;

/** How many jobs are in which state, the newest of them, and what has yet to be counted. */
export async function readBatchStatus(context: CliContext): Promise<VerbResult> {
  return withStores(await resolveStack(context), readStatus);
}

async function readStatus(stores: Stores): Promise<VerbResult> {
  const scope = { kind: "all" } as const;
  const { db } = stores;
  const counted = await db
    .select({ state: batchJobs.state, jobs: count(), lastEnd: max(batchJobs.finishedAt) })
    .from(batchJobs)
    .groupBy(batchJobs.state);
  const newest = await db
    .select({ id: batchJobs.id })
    .from(batchJobs)
    .orderBy(desc(batchJobs.id))
    .limit(JOBS_TOLD_MAX);
  const jobs = await jobProgress(
    stores,
    scope,
    newest.map(({ id }) => id),
  );
  const dirty = await truthDirtyDays(stores, scope);
  const byState = Object.fromEntries(
    JOB_STATES.map((state) => [state, counted.find((row) => row.state === state)?.jobs ?? 0]),
  );
  const states = JOB_STATES.map((state) => `${byState[state]} ${state}`).join(", ");
  return {
    text: [
      `Jobs: ${states}`,
      `Days to count, of new events, changed campaigns or changed rules: ${dirty.length}`,
      ...(jobs.length === 0 ? [] : ["", formatJobs(jobs)]),
    ].join("\n"),
    json: {
      jobs_by_state: byState,
      days_with_new_events: dirty.map(({ advertiserId, billingDay, why }) => ({
        advertiser_id: advertiserId,
        billing_day: billingDay,
        why,
      })),
      newest_jobs: jobs.map(toJobJson),
    },
  };
}

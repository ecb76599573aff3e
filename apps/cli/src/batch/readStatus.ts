import { emptyDayLooks, emptyDays } from "@trueclick/db/postgres/schema/emptyDays";
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
  const empty = await readEmptyDays(db);
  const byState = Object.fromEntries(
    JOB_STATES.map((state) => [state, counted.find((row) => row.state === state)?.jobs ?? 0]),
  );
  const states = JOB_STATES.map((state) => `${byState[state]} ${state}`).join(", ");
  return {
    text: [
      `Jobs: ${states}`,
      `Days to count, of new events, changed campaigns or changed rules: ${dirty.length}`,
      emptyText(empty),
      ...(jobs.length === 0 ? [] : ["", formatJobs(jobs)]),
    ].join("\n"),
    json: {
      jobs_by_state: byState,
      days_with_new_events: dirty.map(({ advertiserId, billingDay, why }) => ({
        advertiser_id: advertiserId,
        billing_day: billingDay,
        why,
      })),
      empty_days: {
        noted: empty.noted,
        refuted: empty.refuted,
        log_read_through: empty.readThrough?.toISOString() ?? null,
      },
      newest_jobs: jobs.map(toJobJson),
    },
  };
}

interface EmptyDaysStatus {
  readonly noted: number;
  readonly refuted: number;
  readonly readThrough: Date | null;
}

/** How many closed days are known to have had no event, and up to where the log was read for that. */
async function readEmptyDays(db: Stores["db"]): Promise<EmptyDaysStatus> {
  const { billingDay, refutedAt } = emptyDays;
  const [days] = await db
    .select({ noted: count(billingDay), refuted: count(refutedAt) })
    .from(emptyDays);
  const [look] = await db
    .select({ readThrough: max(emptyDayLooks.readThrough) })
    .from(emptyDayLooks);
  return {
    noted: days?.noted ?? 0,
    refuted: days?.refuted ?? 0,
    readThrough: look?.readThrough ?? null,
  };
}

function emptyText({ noted, refuted, readThrough }: EmptyDaysStatus): string {
  const when = readThrough === null ? "" : `, the log read through ${readThrough.toISOString()}`;
  const other = refuted === 0 ? "" : `; ${refuted} of them had events later and were corrected`;
  return `Days that closed without an event: ${noted}${when}${other}`;
}

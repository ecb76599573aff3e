import type { Database } from "@trueclick/db/postgres/database";
import { batchJobs } from "@trueclick/db/postgres/schema/truth";
import { WINDOW_MS_MAX } from "@trueclick/shared/attribution";
import { DAY_MS } from "@trueclick/shared/time";
import { and, eq, sql } from "drizzle-orm";
import { type Job, JobLostError, type JobProgress, type JobQueue } from "../ports/jobQueue.ts";

/** A runner that has not been heard of for so long is dead. Renewed several times within it. */
export const LEASE_MS = 20_000;
export const ATTEMPTS_MAX = 3;

const UNIQUE_VIOLATION = "23505";

const leaseEnd = sql`now() + make_interval(secs => ${LEASE_MS / 1_000})`;

const jobColumns = {
  id: batchJobs.id,
  advertiserId: batchJobs.advertiserId,
  billingDay: batchJobs.billingDay,
  reason: batchJobs.reason,
  full: batchJobs.full,
  attempts: batchJobs.attempts,
};

/** Keeps the queue in `batch_jobs`, whose unique indexes allow one running job a partition. */
export function createPostgresJobQueue(db: Database): JobQueue {
  return {
    take: () => take(db),

    takeAbandoned: () =>
      db.transaction(async (tx) => {
        const [abandoned] = await tx
          .select(jobColumns)
          .from(batchJobs)
          .where(and(eq(batchJobs.state, "running"), sql`${batchJobs.leaseUntil} < now()`))
          .orderBy(batchJobs.id)
          .limit(1)
          .for("update", { skipLocked: true });
        if (abandoned === undefined) return null;
        return goOn(tx, toJob(abandoned), "its runner died");
      }),

    replace: (job, error) => db.transaction((tx) => goOn(tx, job, error)),

    renewLease: (jobId) => renew(db, jobId, {}),
    report: (jobId, progress) => renew(db, jobId, progress),

    async abandon(jobId) {
      await db.update(batchJobs).set({ leaseUntil: sql`now()` }).where(isRunning(jobId));
    },

    async fail(jobId, error) {
      await db
        .update(batchJobs)
        .set({ state: "failed", error, finishedAt: sql`now()`, leaseUntil: null })
        .where(isRunning(jobId));
    },
  };
}

async function renew(db: Database, jobId: bigint, progress: Partial<JobProgress>): Promise<void> {
  const renewed = await db
    .update(batchJobs)
    .set({ ...progress, leaseUntil: leaseEnd })
    .where(isRunning(jobId))
    .returning({ id: batchJobs.id });
  if (renewed.length === 0) throw new JobLostError(`job ${jobId} is no longer running`);
}

/** Days no older than these come first: few accounts close them sooner, and somebody waits for them. */
const RECENT_DAYS = 5;
/** A conversion looks back so many days, and to a part of the one before. */
const LOOKBACK_DAYS = WINDOW_MS_MAX / DAY_MS + 1;

/**
 * Recent days first, the newest of them first. Older ones as they were asked for, and not beside a day
 * that they look back to: counted before or beside it, a day would be credited without that day's
 * clicks, and with them only in a version that says corrected.
 */
async function take(db: Database): Promise<Job | null> {
  const isRecent = sql`waiting.billing_day >= current_date - ${RECENT_DAYS}::int`;
  const chosen = sql`(
    select waiting.id from ${batchJobs} waiting
    where waiting.state = 'queued' and not exists (
      select from ${batchJobs} other
      where other.state = 'running' and other.advertiser_id = waiting.advertiser_id
        and (other.billing_day = waiting.billing_day or not (${isRecent})
          and other.billing_day < waiting.billing_day
          and other.billing_day >= waiting.billing_day - ${LOOKBACK_DAYS}::int))
    order by ${isRecent} desc, case when ${isRecent} then waiting.billing_day end desc, waiting.id
    limit 1 for update of waiting skip locked)`;
  try {
    const [taken] = await db
      .update(batchJobs)
      .set({
        state: "running",
        attempts: sql`${batchJobs.attempts} + 1`,
        startedAt: sql`now()`,
        leaseUntil: leaseEnd,
      })
      .where(eq(batchJobs.id, chosen))
      .returning(jobColumns);
    return taken === undefined ? null : toJob(taken);
  } catch (cause) {
    // Another runner took a job of the same partition at this very moment.
    if (databaseCode(cause) === UNIQUE_VIOLATION) return null;
    throw cause;
  }
}

/** Closes an attempt and opens the next one in its place, already running. */
async function goOn(
  tx: Pick<Database, "update" | "insert">,
  job: Job,
  error: string,
): Promise<Job | null> {
  const isLast = job.attempt >= ATTEMPTS_MAX;
  const [closed] = await tx
    .update(batchJobs)
    .set({
      state: isLast ? "failed" : "cancelled",
      error: isLast ? `${error}; that was attempt ${job.attempt} of ${ATTEMPTS_MAX}` : error,
      finishedAt: sql`now()`,
      leaseUntil: null,
    })
    .where(isRunning(job.id))
    .returning({ requestedBy: batchJobs.requestedBy, requestId: batchJobs.requestId });
  if (closed === undefined) throw new JobLostError(`job ${job.id} is no longer running`);
  if (isLast) return null;

  const [next] = await tx
    .insert(batchJobs)
    .values({
      ...closed,
      advertiserId: job.advertiserId,
      billingDay: job.billingDay,
      reason: job.reason,
      full: job.full,
      state: "running",
      attempts: job.attempt + 1,
      startedAt: sql`now()`,
      leaseUntil: leaseEnd,
    })
    .returning(jobColumns);
  if (next === undefined) throw new Error("the insert of a job returned no row");
  return toJob(next);
}

function isRunning(jobId: bigint) {
  return and(eq(batchJobs.id, Number(jobId)), eq(batchJobs.state, "running"));
}

function toJob({
  id,
  attempts,
  ...job
}: Pick<typeof batchJobs.$inferSelect, keyof typeof jobColumns>): Job {
  return { ...job, id: BigInt(id), attempt: attempts };
}

/** The error number of Postgres, which drizzle hands over as the cause of its own error. */
function databaseCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ("code" in error && typeof error.code === "string") return error.code;
  return databaseCode(error.cause);
}

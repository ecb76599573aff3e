import { randomUUID } from "node:crypto";
import type { IsoDay } from "@trueclick/shared/calendar";
import type { AdvertiserId } from "@trueclick/shared/ids";
import { and, asc, desc, eq, inArray, sql } from "drizzle-orm";
import { isOneOf } from "../postgres/conditions.ts";
import { batchJobs, type JobState, type JobStep, truthVersions } from "../postgres/schema/truth.ts";
import type { Stores } from "../stores.ts";
import { seesAdvertiser, type TenantScope, tenantWhere } from "../tenant.ts";

export interface TruthPartition {
  readonly advertiserId: AdvertiserId;
  readonly billingDay: IsoDay;
}

/** Most partitions of one request: 100 advertisers for a quarter. */
export const REQUEST_PARTITIONS_MAX = 10_000;
/** A runner may take a waiting job between two looks; each time, the next try adds one. */
const QUEUE_TRIES_MAX = 5;

export interface QueueRequest {
  readonly partitions: readonly TruthPartition[];
  /** Why, in words that the audit page shows. */
  readonly reason: string;
  readonly requestedBy: string;
  /** Judges every event itself by the rules of now, also in a closed day. */
  readonly full?: boolean;
}

export interface QueuedJobs {
  readonly requestId: string;
  /** One per partition; jobs that were waiting already are taken over as they are. */
  readonly jobIds: readonly number[];
  readonly alreadyQueued: number;
}

/**
 * Asks for a recount of truth partitions. Each ends up with a job that starts after this call, so
 * that it sees everything archived before it.
 *
 * @throws {RangeError} for a partition outside of the scope or too many of them.
 */
export async function queueJobs(
  { db }: Pick<Stores, "db">,
  scope: TenantScope,
  { partitions, reason, requestedBy, full = false }: QueueRequest,
): Promise<QueuedJobs> {
  const foreign = partitions.find(({ advertiserId }) => !seesAdvertiser(scope, advertiserId));
  if (foreign !== undefined) throw new RangeError(`no advertiser ${foreign.advertiserId}`);
  if (partitions.length > REQUEST_PARTITIONS_MAX) {
    throw new RangeError(`at most ${REQUEST_PARTITIONS_MAX} partitions a request`);
  }

  const requestId = randomUUID();
  const jobs = new Map<string, number>();
  let added = 0;
  for (let tries = 0; tries < QUEUE_TRIES_MAX; tries += 1) {
    const missing = partitions.filter((partition) => !jobs.has(keyOf(partition)));
    if (missing.length === 0) break;
    const inserted = await insertQueued(
      { db },
      missing.map(({ advertiserId, billingDay }) => {
        return { advertiserId, billingDay, reason, requestedBy, requestId, full };
      }),
    );
    added += inserted.length;
    const waiting = await waitingJobs({ db }, missing);
    if (full)
      await makeFull(
        { db },
        waiting.map(({ id }) => id),
      );
    for (const job of [...waiting, ...inserted]) {
      jobs.set(keyOf(job), job.id);
    }
  }
  if (partitions.some((partition) => !jobs.has(keyOf(partition)))) {
    throw new Error(`jobs were taken faster than they could be queued, ${QUEUE_TRIES_MAX} times`);
  }
  const jobIds = [...jobs.values()].sort((a, b) => a - b);
  return { requestId, jobIds, alreadyQueued: jobIds.length - added };
}

/** Rows of one insert: Postgres takes 65,535 parameters a statement. */
const ROWS_PER_INSERT_MAX = 1_000;

type NewJob = typeof batchJobs.$inferInsert;

async function insertQueued({ db }: Pick<Stores, "db">, rows: readonly NewJob[]) {
  const inserted: (TruthPartition & { readonly id: number })[] = [];
  for (let start = 0; start < rows.length; start += ROWS_PER_INSERT_MAX) {
    const some = await db
      .insert(batchJobs)
      .values(rows.slice(start, start + ROWS_PER_INSERT_MAX))
      .onConflictDoNothing()
      .returning({
        id: batchJobs.id,
        advertiserId: batchJobs.advertiserId,
        billingDay: batchJobs.billingDay,
      });
    inserted.push(...some);
  }
  return inserted;
}

async function makeFull({ db }: Pick<Stores, "db">, ids: readonly number[]): Promise<void> {
  const isWaiting = and(isOneOf(batchJobs.id, ids), eq(batchJobs.state, "queued"));
  await db.update(batchJobs).set({ full: true }).where(isWaiting);
}

function waitingJobs({ db }: Pick<Stores, "db">, partitions: readonly TruthPartition[]) {
  const { id, advertiserId, billingDay } = batchJobs;
  const advertiserIds = partitions.map((partition) => partition.advertiserId);
  const days = partitions.map((partition) => partition.billingDay);
  return db
    .select({ id, advertiserId, billingDay })
    .from(batchJobs)
    .where(
      and(
        eq(batchJobs.state, "queued"),
        sql`(${advertiserId}, ${billingDay}) in (
          select * from unnest(${sql.param(advertiserIds)}::text[], ${sql.param(days)}::date[]))`,
      ),
    );
}

const keyOf = ({ advertiserId, billingDay }: TruthPartition) => `${billingDay}/${advertiserId}`;

export interface JobProgress extends TruthPartition {
  readonly id: number;
  readonly state: JobState;
  readonly attempts: number;
  readonly error: string | null;
  /** What it published; null for a job that came out as the current version, or not at all. */
  readonly version: number | null;
  readonly costMicros: bigint | null;
  readonly currency: string | null;
  /** What a running job is at; null before it has begun. */
  readonly step: JobStep | null;
  /** Slices of the day that are judged, and all of them; null before they are known. */
  readonly slicesDone: number | null;
  readonly slicesTotal: number | null;
  readonly finishedAt: Date | null;
}

/**
 * How far jobs are, in the order of their ids. A job whose runner died is followed by the one that
 * took its place.
 */
export async function jobProgress(
  { db }: Pick<Stores, "db">,
  scope: TenantScope,
  jobIds: readonly number[],
): Promise<JobProgress[]> {
  // The runner closes a dead attempt as cancelled and opens the next one, of the same request, in the
  // same transaction. One that a person has cancelled has none.
  const followed = sql`(
    select min(next.id) from ${batchJobs} next
    where next.advertiser_id = ${batchJobs.advertiserId}
      and next.billing_day = ${batchJobs.billingDay}
      and next.request_id = ${batchJobs.requestId}
      and next.id >= ${batchJobs.id} and next.state <> 'cancelled')`;
  const asked = await db
    .select({ id: batchJobs.id, followed: sql<number | null>`${followed}`.mapWith(Number) })
    .from(batchJobs)
    .where(and(tenantWhere(scope, batchJobs.advertiserId), isOneOf(batchJobs.id, jobIds)));
  const ids = asked.map((job) => job.followed ?? job.id);
  const rows = await db
    .select({ job: batchJobs, version: truthVersions })
    .from(batchJobs)
    .leftJoin(truthVersions, eq(truthVersions.jobId, batchJobs.id))
    .where(and(tenantWhere(scope, batchJobs.advertiserId), isOneOf(batchJobs.id, ids)))
    .orderBy(asc(batchJobs.id));
  return rows.map(({ job, version }) => ({
    id: job.id,
    advertiserId: job.advertiserId,
    billingDay: job.billingDay,
    state: job.state,
    attempts: job.attempts,
    error: job.error,
    version: version?.version ?? null,
    costMicros: version?.costMicros ?? null,
    currency: version?.currency ?? null,
    step: job.step,
    slicesDone: job.slicesDone,
    slicesTotal: job.slicesTotal,
    finishedAt: job.finishedAt,
  }));
}

/** Whether nothing more will happen to a job by itself. */
export function isFinished({ state }: Pick<JobProgress, "state">): boolean {
  return state !== "queued" && state !== "running";
}

/** Times that a cancellation looks for the attempt that has taken over meanwhile. */
const CANCEL_TRIES_MAX = 5;

export type Cancellation =
  | { readonly outcome: "cancelled"; readonly jobId: number }
  /** It had come to its end before; `state` says to which. */
  | { readonly outcome: "ended"; readonly state: JobState };

/**
 * Ends a waiting or running job, or the attempt that has taken its place, before it publishes. What a
 * runner has written of it belongs to no version; it stops at its next look.
 *
 * Null for an unknown id and for one outside of the scope.
 */
export async function cancelJob(
  { db }: Pick<Stores, "db">,
  scope: TenantScope,
  { jobId, cancelledBy }: { readonly jobId: number; readonly cancelledBy: string },
): Promise<Cancellation | null> {
  for (let tries = 0; tries < CANCEL_TRIES_MAX; tries += 1) {
    const [asked] = await db
      .select()
      .from(batchJobs)
      .where(and(eq(batchJobs.id, jobId), tenantWhere(scope, batchJobs.advertiserId)));
    if (asked === undefined) return null;
    const attempts = and(
      eq(batchJobs.advertiserId, asked.advertiserId),
      eq(batchJobs.billingDay, asked.billingDay),
      eq(batchJobs.requestId, asked.requestId),
    );
    // Publishing locks the row: it is cancelled before that, or not at all.
    const [cancelled] = await db
      .update(batchJobs)
      .set({
        state: "cancelled",
        error: `cancelled by ${cancelledBy}`,
        finishedAt: sql`now()`,
        leaseUntil: null,
      })
      .where(and(attempts, inArray(batchJobs.state, ["queued", "running"])))
      .returning({ id: batchJobs.id });
    if (cancelled !== undefined) return { outcome: "cancelled", jobId: cancelled.id };
    const states = await db
      .select({ state: batchJobs.state })
      .from(batchJobs)
      .where(attempts)
      .orderBy(desc(batchJobs.id));
    const [newest] = states;
    // An attempt that was taking over at this moment is met at the next try.
    if (newest !== undefined && isFinished(newest))
      return { outcome: "ended", state: newest.state };
  }
  throw new Error(`job ${jobId} changed hands ${CANCEL_TRIES_MAX} times while being cancelled`);
}

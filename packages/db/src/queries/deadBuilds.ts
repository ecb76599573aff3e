/** Rows of truth that no version will ever name: of jobs that published nothing, and of trials. */
import { SECOND_MS } from "@trueclick/shared/time";
import { and, asc, eq, exists, inArray, isNotNull, isNull, notExists, sql } from "drizzle-orm";
import { alias } from "drizzle-orm/pg-core";
import { backtestBuilds } from "../postgres/schema/rules.ts";
import { batchJobSlices, batchJobs, truthVersions } from "../postgres/schema/truth.ts";
import type { Stores } from "../stores.ts";
import type { TruthPartition } from "./jobs.ts";

/** Builds of each kind in one sweep: each table is rewritten once for all of them. */
const BUILDS_MAX = 100;

const TABLES = ["truth_rejects", "truth_cube", "truth_hours", "truth_conversions"] as const;

/** A build that is dead, or that was when somebody looked. */
export interface DeadBuild extends TruthPartition {
  readonly buildId: bigint;
  readonly of: "job" | "trial";
}

/**
 * Some of the builds that ended without publishing, or were begun by a back-test or a verification, so long ago that
 * nobody is at work on them; those first that are dead longest.
 *
 * @param afterMs Longer than an insert of a runner that lost its build can last.
 */
export async function deadBuilds(
  { db }: Pick<Stores, "db">,
  afterMs: number,
): Promise<DeadBuild[]> {
  const jobs = await unpublished(db, afterMs);
  const { buildId, advertiserId, billingDay, createdAt } = backtestBuilds;
  const tried = await db
    .select({ buildId, advertiserId, billingDay })
    .from(backtestBuilds)
    .where(sql`${createdAt} < now() - make_interval(secs => ${afterMs / SECOND_MS})`)
    .orderBy(asc(buildId))
    .limit(BUILDS_MAX);
  return [...jobs, ...tried.map((build) => ({ ...build, of: "trial" as const }))];
}

/**
 * Removes the rows of some dead builds. What a version names is never touched, nor is anything of a
 * partition that is being counted. Idempotent, so that a sweep that dies is simply done again;
 * several processes may sweep at once. In an order that any step may be the last of:
 *
 * 1. The records of the jobs' slices are forgotten, so that no count that begins now takes rows over.
 * 2. Builds of partitions that are being counted are left for another time: such a count may have
 *    found the records before.
 * 3. The rows are deleted.
 * 4. The jobs are marked and the trials' builds forgotten, and not looked at again.
 *
 * @returns How many builds were swept; there may be more.
 */
export async function sweepDeadBuilds(
  { db, clickhouse }: Pick<Stores, "db" | "clickhouse">,
  afterMs: number,
): Promise<number> {
  const dead = await deadBuilds({ db }, afterMs);
  const jobs = dead.filter((build) => build.of === "job").map(({ buildId }) => buildId);
  if (jobs.length > 0) {
    await db.delete(batchJobSlices).where(inArray(batchJobSlices.buildId, jobs));
  }
  const counted = await beingCounted(db, jobs);
  const idle = dead.filter(({ buildId }) => !counted.has(buildId));
  if (idle.length === 0) return 0;
  for (const table of TABLES) await deleteRows(clickhouse, table, idle);
  const ids = (of: DeadBuild["of"]) =>
    idle.filter((build) => build.of === of).map(({ buildId }) => buildId);
  await db
    .update(batchJobs)
    .set({ sweptAt: sql`now()` })
    .where(inArray(batchJobs.id, ids("job").map(Number)));
  await db.delete(backtestBuilds).where(inArray(backtestBuilds.buildId, ids("trial")));
  return idle.length;
}

/** Jobs that may have written and have published nothing. */
async function unpublished(db: Stores["db"], afterMs: number): Promise<DeadBuild[]> {
  const version = db
    .select({ one: sql`1` })
    .from(truthVersions)
    .where(eq(truthVersions.jobId, sql`${batchJobs.id}`));
  const { id, advertiserId, billingDay } = batchJobs;
  const rows = await db
    .select({ id, advertiserId, billingDay })
    .from(batchJobs)
    .where(
      and(
        inArray(batchJobs.state, ["verified", "failed", "cancelled"]),
        isNotNull(batchJobs.startedAt),
        isNull(batchJobs.sweptAt),
        sql`${batchJobs.finishedAt} < now() - make_interval(secs => ${afterMs / SECOND_MS})`,
        notExists(version),
        notExists(counting(db)),
      ),
    )
    .orderBy(asc(batchJobs.finishedAt), asc(id))
    .limit(BUILDS_MAX);
  return rows.map((row) => ({ ...row, buildId: BigInt(row.id), of: "job" }));
}

/** A job at work on the partition of the one that is asked about. */
function counting(db: Stores["db"]) {
  const other = alias(batchJobs, "other");
  return db
    .select({ one: sql`1` })
    .from(other)
    .where(
      and(
        eq(other.state, "running"),
        eq(other.advertiserId, batchJobs.advertiserId),
        eq(other.billingDay, batchJobs.billingDay),
      ),
    );
}

/** Those of the builds whose partition is being counted. */
async function beingCounted(db: Stores["db"], jobs: readonly bigint[]): Promise<Set<bigint>> {
  const rows = await db
    .select({ id: batchJobs.id })
    .from(batchJobs)
    .where(and(inArray(batchJobs.id, jobs.map(Number)), exists(counting(db))));
  return new Set(rows.map(({ id }) => BigInt(id)));
}

async function deleteRows(
  clickhouse: Stores["clickhouse"],
  table: (typeof TABLES)[number],
  builds: readonly DeadBuild[],
): Promise<void> {
  await clickhouse.command({
    // By the first columns of the sorting key, so that only their parts are rewritten.
    query: `DELETE FROM ${table}
      WHERE advertiser_id IN ({advertisers: Array(String)}) AND billing_day IN ({days: Array(Date)})
        AND build_id IN ({builds: Array(UInt64)})`,
    query_params: {
      advertisers: [...new Set(builds.map(({ advertiserId }) => advertiserId))],
      days: [...new Set(builds.map(({ billingDay }) => billingDay))],
      builds: builds.map(({ buildId }) => Number(buildId)),
    },
    clickhouse_settings: { log_comment: `batch.sweep.${table}` },
  });
}

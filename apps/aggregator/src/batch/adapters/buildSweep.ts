import type { ClickHouseClient } from "@clickhouse/client";
import type { Database } from "@trueclick/db/postgres/database";
import { batchJobSlices, batchJobs, truthVersions } from "@trueclick/db/postgres/schema/truth";
import { SECOND_MS } from "@trueclick/shared/time";
import { and, asc, eq, inArray, isNotNull, isNull, notExists, sql } from "drizzle-orm";
import { alias } from "drizzle-orm/pg-core";
import type { BuildSweep } from "../ports/buildSweep.ts";

/** Builds of one sweep: each table is rewritten once for all of them. */
const BUILDS_MAX = 100;

const TABLES = ["truth_rejects", "truth_cube", "truth_conversions"] as const;

type Left = Pick<typeof batchJobs.$inferSelect, "id" | "advertiserId" | "billingDay">;

/**
 * Builds are swept in an order that any step may be the last of:
 *
 * 1. The records of their slices are forgotten, so that no count that begins now takes rows over.
 * 2. Builds of partitions that are being counted are left for another time: such a count may have
 *    found the records before.
 * 3. The rows are deleted.
 * 4. The jobs are marked, and not looked at again.
 *
 * @param afterMs Since the end of a job; longer than an insert of a runner that lost it can last.
 */
export function createBuildSweep(
  db: Database,
  clickhouse: ClickHouseClient,
  afterMs: number,
): BuildSweep {
  return {
    async sweep() {
      const left = await unpublished(db, afterMs);
      if (left.length === 0) return 0;
      await db.delete(batchJobSlices).where(
        inArray(
          batchJobSlices.buildId,
          left.map(({ id }) => BigInt(id)),
        ),
      );
      const idle = await withoutCounted(db, left);
      if (idle.length === 0) return 0;
      for (const table of TABLES) await deleteRows(clickhouse, table, idle);
      const ids = idle.map(({ id }) => id);
      await db.update(batchJobs).set({ sweptAt: sql`now()` }).where(inArray(batchJobs.id, ids));
      return idle.length;
    },
  };
}

/** Jobs that may have written and have published nothing, those first that ended first. */
function unpublished(db: Database, afterMs: number): Promise<Left[]> {
  const version = db
    .select({ one: sql`1` })
    .from(truthVersions)
    .where(eq(truthVersions.jobId, sql`${batchJobs.id}`));
  return db
    .select({
      id: batchJobs.id,
      advertiserId: batchJobs.advertiserId,
      billingDay: batchJobs.billingDay,
    })
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
    .orderBy(asc(batchJobs.finishedAt), asc(batchJobs.id))
    .limit(BUILDS_MAX);
}

/** A job at work on the partition of the one that is asked about. */
function counting(db: Database) {
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

function withoutCounted(db: Database, left: readonly Left[]): Promise<Left[]> {
  const { id, advertiserId, billingDay } = batchJobs;
  return db
    .select({ id, advertiserId, billingDay })
    .from(batchJobs)
    .where(
      and(
        inArray(
          id,
          left.map((job) => job.id),
        ),
        notExists(counting(db)),
      ),
    );
}

async function deleteRows(
  clickhouse: ClickHouseClient,
  table: (typeof TABLES)[number],
  builds: readonly Left[],
): Promise<void> {
  await clickhouse.command({
    // By the first columns of the sorting key, so that only their parts are rewritten.
    query: `DELETE FROM ${table}
      WHERE advertiser_id IN ({advertisers: Array(String)}) AND billing_day IN ({days: Array(Date)})
        AND build_id IN ({builds: Array(UInt64)})`,
    query_params: {
      advertisers: [...new Set(builds.map(({ advertiserId }) => advertiserId))],
      days: [...new Set(builds.map(({ billingDay }) => billingDay))],
      builds: builds.map(({ id }) => id),
    },
    clickhouse_settings: { log_comment: `batch.sweep.${table}` },
  });
}

import { isCurrentVersion } from "@trueclick/db/postgres/currentVersion";
import type { Database } from "@trueclick/db/postgres/database";
import { backtests } from "@trueclick/db/postgres/schema/rules";
import { truthCurrent, truthLines, truthVersions } from "@trueclick/db/postgres/schema/truth";
import { currentTruth } from "@trueclick/db/queries/truthPointers";
import { DAY_MS } from "@trueclick/shared/time";
import { and, eq, sql } from "drizzle-orm";
import type { Backtest, Backtests } from "../ports/backtests.ts";
import { createPostgresWorkQueue, type PostgresWorkQueue } from "./postgresWorkQueue.ts";

/** Keeps back-tests in `backtests`; days are those that have a version when it is taken up. */
export function createPostgresBacktests(db: Database): Backtests {
  const queue = createPostgresWorkQueue(db, backtests);
  return {
    ...queue,
    take: () => take(db, queue),

    async currentLines(advertiserId, billingDay) {
      const rows = await db
        .select({
          campaignId: truthLines.campaignId,
          clicks: truthLines.clicks,
          costMicros: truthLines.costMicros,
        })
        .from(truthCurrent)
        .innerJoin(truthVersions, isCurrentVersion())
        .innerJoin(
          truthLines,
          and(
            eq(truthLines.advertiserId, truthVersions.advertiserId),
            eq(truthLines.billingDay, truthVersions.billingDay),
            eq(truthLines.version, truthVersions.version),
          ),
        )
        .where(
          and(eq(truthCurrent.advertiserId, advertiserId), eq(truthCurrent.billingDay, billingDay)),
        );
      return rows.map((row) => ({ ...row, clicks: Number(row.clicks) }));
    },

    report: (claim, partitionsDone) => queue.set(claim, sql`partitions_done = ${partitionsDone}`),
  };
}

/** @throws {JobLostError} It was taken for dead before it knew its days. */
async function take(db: Database, queue: PostgresWorkQueue): Promise<Backtest | null> {
  const claim = await queue.claim();
  if (claim === null) return null;
  const [taken] = await db.select().from(backtests).where(eq(backtests.id, claim.id));
  if (taken === undefined) return null;
  const { ruleId, enabled, parameters, advertiserId, fromDay, toDay } = taken;
  const scope =
    advertiserId === null
      ? ({ kind: "all" } as const)
      : ({ kind: "advertisers", ids: [advertiserId] } as const);
  const range = { fromMs: Date.parse(fromDay) - DAY_MS, toMs: Date.parse(toDay) + 2 * DAY_MS };
  const pointers = await currentTruth({ db }, scope, range);
  const partitions = pointers.filter(({ billingDay }) => {
    return billingDay >= fromDay && billingDay <= toDay;
  });
  await queue.set(claim, sql`partitions_done = 0, partitions_total = ${partitions.length}`);
  return { ...claim, ruleId, enabled, parameters, partitions };
}

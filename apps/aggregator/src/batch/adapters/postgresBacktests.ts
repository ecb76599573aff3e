import { isCurrentVersion } from "@trueclick/db/postgres/currentVersion";
import type { Database } from "@trueclick/db/postgres/database";
import { backtests } from "@trueclick/db/postgres/schema/rules";
import { truthCurrent, truthLines, truthVersions } from "@trueclick/db/postgres/schema/truth";
import { currentTruth } from "@trueclick/db/queries/truthPointers";
import { DAY_MS } from "@trueclick/shared/time";
import { and, asc, eq, or, sql } from "drizzle-orm";
import type { Backtest, Backtests } from "../ports/backtests.ts";

/** A runner that has judged no day for so long is dead. */
const LEASE_S = 3_600;
const leaseEnd = sql`now() + make_interval(secs => ${LEASE_S})`;

/** Keeps back-tests in `backtests`; days are those that have a version when it is taken up. */
export function createPostgresBacktests(db: Database): Backtests {
  return {
    take: () => take(db),

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

    async report(id, partitionsDone) {
      await db
        .update(backtests)
        .set({ partitionsDone, leaseUntil: leaseEnd })
        .where(eq(backtests.id, id));
    },

    async finish(id, lines) {
      await db
        .update(backtests)
        .set({ state: "done", result: lines, finishedAt: sql`now()`, leaseUntil: null })
        .where(eq(backtests.id, id));
    },

    async fail(id, error) {
      await db
        .update(backtests)
        .set({ state: "failed", error, finishedAt: sql`now()`, leaseUntil: null })
        .where(eq(backtests.id, id));
    },
  };
}

async function take(db: Database): Promise<Backtest | null> {
  const waiting = or(
    eq(backtests.state, "queued"),
    and(eq(backtests.state, "running"), sql`${backtests.leaseUntil} < now()`),
  );
  const oldest = db
    .select({ id: backtests.id })
    .from(backtests)
    .where(waiting)
    .orderBy(asc(backtests.id))
    .limit(1)
    .for("update", { skipLocked: true });
  const [taken] = await db
    .update(backtests)
    .set({ state: "running", leaseUntil: leaseEnd, partitionsDone: 0 })
    .where(eq(backtests.id, sql`(${oldest})`))
    .returning();
  if (taken === undefined) return null;
  const { id, ruleId, enabled, parameters, advertiserId, fromDay, toDay } = taken;
  const scope =
    advertiserId === null
      ? ({ kind: "all" } as const)
      : ({ kind: "advertisers", ids: [advertiserId] } as const);
  const range = { fromMs: Date.parse(fromDay) - DAY_MS, toMs: Date.parse(toDay) + 2 * DAY_MS };
  const pointers = await currentTruth({ db }, scope, range);
  const partitions = pointers.filter(({ billingDay }) => {
    return billingDay >= fromDay && billingDay <= toDay;
  });
  await db
    .update(backtests)
    .set({ partitionsTotal: partitions.length })
    .where(eq(backtests.id, id));
  return { id, ruleId, enabled, parameters, partitions };
}

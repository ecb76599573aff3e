import type { ClickHouseClient } from "@clickhouse/client";
import type { Database } from "@trueclick/db/postgres/database";
import { backtestBuilds } from "@trueclick/db/postgres/schema/rules";
import { eq, sql } from "drizzle-orm";
import type { TrialBuilds } from "../ports/trialBuilds.ts";

const TABLES = ["truth_cube", "truth_rejects", "truth_hours", "truth_conversions"] as const;

/** Notes them in `backtest_builds`. */
export function createTrialBuilds(db: Database, clickhouse: ClickHouseClient): TrialBuilds {
  return {
    async newBuild(advertiserId, billingDay) {
      // Builds are named by jobs: a number of theirs that no job gets.
      const buildId = sql<bigint>`nextval('batch_jobs_id_seq')`;
      const [noted] = await db
        .insert(backtestBuilds)
        .values({ buildId, advertiserId, billingDay })
        .returning({ buildId: backtestBuilds.buildId });
      if (noted === undefined) throw new Error("the insert of a build returned no row");
      return noted.buildId;
    },

    async discard(advertiserId, billingDay, buildId) {
      for (const table of TABLES) {
        await clickhouse.command({
          query: `DELETE FROM ${table} WHERE advertiser_id = {advertiserId: String}
            AND billing_day = {billingDay: Date} AND build_id = {buildId: UInt64}`,
          query_params: { advertiserId, billingDay, buildId: buildId.toString() },
          clickhouse_settings: { log_comment: "trial.discard" },
        });
      }
      await db.delete(backtestBuilds).where(eq(backtestBuilds.buildId, buildId));
    },
  };
}

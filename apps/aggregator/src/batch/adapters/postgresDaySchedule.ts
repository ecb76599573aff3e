import type { ClickHouseClient } from "@clickhouse/client";
import type { Database } from "@trueclick/db/postgres/database";
import { batchJobs } from "@trueclick/db/postgres/schema/truth";
import { truthDirtyDays } from "@trueclick/db/queries/dirtyDays";
import { queueJobs } from "@trueclick/db/queries/jobs";
import { DAY_MS } from "@trueclick/shared/time";
import { and, count, eq, inArray, sql } from "drizzle-orm";
import type { DaySchedule } from "../ports/daySchedule.ts";

/** Events may be 35 days late, and a day begins up to a day before its events. */
const SINCE_MS = 37 * DAY_MS;
const REQUESTED_BY = "schedule";
/** Any number that no other advisory lock of this database has. */
const LOCK = 0x5c_4e_d0_1e;
const ALL = { kind: "all" } as const;

/**
 * Decides under an advisory lock, which a process that dies gives back.
 *
 * @param codeVersion Of the program that will count.
 */
export function createPostgresDaySchedule(
  db: Database,
  clickhouse: ClickHouseClient,
  codeVersion: string,
): DaySchedule {
  return {
    decide: (nowMs, choose) =>
      db.transaction(async (tx) => {
        const lock = await tx.execute<{ held: boolean }>(
          sql`select pg_try_advisory_xact_lock(${LOCK}) as held`,
        );
        if (lock.rows[0]?.held !== true) return null;
        const [unfinished] = await tx
          .select({ jobs: count() })
          .from(batchJobs)
          .where(
            and(
              eq(batchJobs.requestedBy, REQUESTED_BY),
              inArray(batchJobs.state, ["queued", "running"]),
            ),
          );
        const dirty = await truthDirtyDays({ db, clickhouse }, ALL, {
          sinceMs: nowMs - SINCE_MS,
          ...{ nowMs, codeVersion },
        });
        const chosen = choose(dirty, unfinished?.jobs ?? 0);
        for (const [why, partitions] of Map.groupBy(chosen, (day) => day.why)) {
          await queueJobs({ db }, ALL, { partitions, reason: why, requestedBy: REQUESTED_BY });
        }
        return chosen;
      }),
  };
}

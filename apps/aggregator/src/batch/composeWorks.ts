import type { ClickHouseClient } from "@clickhouse/client";
import type { Database } from "@trueclick/db/postgres/database";
import { createPostgresBacktests } from "./adapters/postgresBacktests.ts";
import { createTrialBuilds } from "./adapters/postgresTrialBuilds.ts";
import { createPostgresVerifications } from "./adapters/postgresVerifications.ts";
import type { Verified } from "./domain/verified.ts";
import { runBacktest } from "./pipeline/runBacktest.ts";
import type { JobStores } from "./pipeline/runJob.ts";
import { runVerification } from "./pipeline/runVerification.ts";
import type { Works } from "./pipeline/workOff.ts";
import type { Backtest, BacktestLine } from "./ports/backtests.ts";
import type { Verification } from "./ports/verifications.ts";

/** What is asked for beside jobs. */
export interface ComposedWorks {
  readonly backtests: Works<Backtest, readonly BacktestLine[]>;
  readonly verifications: Works<Verification, Verified>;
}

/** @param topic The topic whose archive is billed. */
export function composeWorks(
  stores: JobStores,
  db: Database,
  clickhouse: ClickHouseClient,
  topic: string,
): ComposedWorks {
  const trials = { ...stores, builds: createTrialBuilds(db, clickhouse) };
  const backtests = createPostgresBacktests(db);
  const verifications = createPostgresVerifications(db, topic);
  return {
    backtests: {
      ...backtests,
      name: "back-tests",
      run: (asked, held) => runBacktest({ ...trials, backtests }, asked, held),
    },
    verifications: {
      ...verifications,
      name: "verifications",
      run: (asked, held) => runVerification({ ...trials, verifications }, asked, held),
    },
  };
}

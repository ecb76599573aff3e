/**
 * The files that take longest, in the order in which they are begun. One that waits (for engines that
 * are down, for killed processes) stands beside one that computes, so that both cores have work; and
 * none is begun when all others are over. Behind them come the rest, as Vitest has them.
 */
export const LONGEST: readonly string[] = [
  "apps/aggregator/src/stream/simulation/simulation.test.ts",
  "packages/event-log/src/contractFaults.integration.test.ts",
  "apps/aggregator/src/batch/truth.integration.test.ts",
  "apps/ingest/src/killed.integration.test.ts",
  "apps/aggregator/src/batch/reuse.integration.test.ts",
  "apps/aggregator/src/main.integration.test.ts",
  "apps/aggregator/src/batch/killed.integration.test.ts",
  "apps/ingest/src/outage.integration.test.ts",
  "apps/aggregator/src/batch/decisions.integration.test.ts",
  "apps/aggregator/src/batch/verification.integration.test.ts",
  "apps/ingest/src/main.integration.test.ts",
  "apps/aggregator/src/batch/publish.integration.test.ts",
  "packages/local-stack/src/kafka/localKafka.integration.test.ts",
  "apps/aggregator/src/batch/compaction.integration.test.ts",
  "apps/aggregator/src/backfill/backfill.integration.test.ts",
  "apps/ingest/src/spool.integration.test.ts",
  "apps/aggregator/src/batch/tokens.integration.test.ts",
  "apps/aggregator/src/batch/works.integration.test.ts",
  "apps/aggregator/src/batch/creditsVerified.integration.test.ts",
  "apps/ingest/src/stopped.integration.test.ts",
  "apps/aggregator/src/batch/schedule.integration.test.ts",
  "apps/ingest/src/clicks.integration.test.ts",
  "apps/aggregator/src/batch/attribution.integration.test.ts",
  "packages/db/src/postgres/database.integration.test.ts",
  "apps/aggregator/src/archive/archive.integration.test.ts",
  "apps/aggregator/src/batch/besideJudging.integration.test.ts",
  "apps/cli/src/demo/seed/makeDemo.integration.test.ts",
  "apps/aggregator/src/batch/rules.integration.test.ts",
];

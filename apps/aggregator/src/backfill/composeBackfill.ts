import type { ClickHouseClient } from "@clickhouse/client";
import type { ClickHouseObjects } from "@trueclick/archive/clickhouseObjects";
import type { Database } from "@trueclick/db/postgres/database";
import type { EventLogReader } from "@trueclick/event-log";
import { SECOND_MS } from "@trueclick/shared/time";
import { delay } from "../delay.ts";
import type { LeaseGroup } from "../leases/pipeline/holdPartitions.ts";
import type { StopSignals } from "../stopSignals.ts";
import { createClickHouseHotStore } from "../stream/adapters/clickhouseHotStore.ts";
import { createPostgresCampaignDirectory } from "../stream/adapters/postgresCampaignDirectory.ts";
import { HASH_KEY_WORDS } from "../stream/domain/spanHash.ts";
import { createClickHouseArchivedHours } from "./adapters/clickhouseArchivedHours.ts";
import { createClickHouseHotHours } from "./adapters/clickhouseHotHours.ts";
import { createHotLines } from "./adapters/hotLines.ts";
import { createPostgresDirtyHours } from "./adapters/postgresDirtyHours.ts";
import { createPostgresRollups } from "./adapters/postgresRollups.ts";
import type { BackfillObserver } from "./pipeline/backfill.ts";
import type { HealDeps } from "./pipeline/healHour.ts";
import type { RollupDeps } from "./pipeline/rollUp.ts";
import { type BackfillDeps, runBackfill } from "./pipeline/runBackfill.ts";

export interface BackfillDependencies {
  readonly log: EventLogReader;
  readonly db: Database;
  readonly clickhouse: ClickHouseClient;
  /** How the engine reads the archive; null where this process cannot. */
  readonly objects: ClickHouseObjects | null;
  readonly observer: BackfillObserver;
  /** Of one partition: one of the processes works at a time. */
  readonly leases: LeaseGroup;
  readonly settings: {
    /** `ALLOWED_LATENESS_MS`. */
    readonly allowedLatenessMs: number;
    /** `BACKFILL_INTERVAL_MS`. */
    readonly restMs: number;
    /** How often it looks for work. */
    readonly pollIntervalMs?: number;
  };
}

const POLL_INTERVAL_MS = 2 * SECOND_MS;

/** Runs rollups and backfills until stopped. */
export function composeBackfill(deps: BackfillDependencies, signals: StopSignals): Promise<void> {
  return runBackfill(backfillOf(deps), signals);
}

function backfillOf(deps: BackfillDependencies): BackfillDeps {
  const { log, db, clickhouse, objects, observer, leases, settings } = deps;
  const { topic } = log;
  const hotHours = createClickHouseHotHours(clickhouse);
  const rollups = createPostgresRollups(db, topic);
  const { allowedLatenessMs, restMs } = settings;
  const lines = createHotLines({ db, clickhouse });
  const rollup: RollupDeps = { log, rollups, hotHours, lines, allowedLatenessMs };
  const heal: HealDeps | null =
    objects === null
      ? null
      : {
          archive: createClickHouseArchivedHours({ db, clickhouse }, objects, topic),
          campaigns: createPostgresCampaignDirectory(db),
          hotStore: createClickHouseHotStore(clickhouse),
          hotHours,
          quarterAdvertisers: () => rollups.quarterAdvertisers(),
          engine: { hashKey: crypto.getRandomValues(new Int32Array(HASH_KEY_WORDS)) },
        };
  return {
    ...{ rollup, heal, observer, leases, delay, restMs },
    dirtyHours: createPostgresDirtyHours(db, topic),
    pollIntervalMs: settings.pollIntervalMs ?? POLL_INTERVAL_MS,
  };
}

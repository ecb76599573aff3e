import type { ClickHouseClient } from "@clickhouse/client";
import type { Database } from "@trueclick/db/postgres/database";
import type { EventLogReader } from "@trueclick/event-log";
import { delay } from "../delay.ts";
import type { LeaseGroup } from "../leases/pipeline/holdPartitions.ts";
import type { StopSignals } from "../stopSignals.ts";
import { createClickHouseHotStore } from "./adapters/clickhouseHotStore.ts";
import { createPostgresCampaignDirectory } from "./adapters/postgresCampaignDirectory.ts";
import { createPostgresCheckpointStore } from "./adapters/postgresCheckpointStore.ts";
import { HASH_KEY_WORDS } from "./domain/spanHash.ts";
import { runStream } from "./pipeline/runStream.ts";
import type { StreamObserver } from "./ports/streamObserver.ts";

export interface StreamDependencies {
  readonly log: EventLogReader;
  readonly db: Database;
  readonly clickhouse: ClickHouseClient;
  readonly observer: StreamObserver;
  readonly leases: LeaseGroup;
  readonly settings: {
    /** `ALLOWED_LATENESS_MS`. */
    readonly allowedLatenessMs: number;
    /** `STREAM_FLUSH_INTERVAL_MS`. */
    readonly flushIntervalMs: number;
  };
}

/**
 * Limits of one partition. Entries take some 50 bytes: 400 MB a partition at the limit, which the
 * ids of 10 minutes of 12,000 events a second reach.
 */
const LIMITS = {
  openEntriesMax: 8_000_000,
  readRecordsMax: 256,
  flushBytesMax: 32 * 1_048_576,
  // 12 bytes each.
  waitingUsersMax: 500_000,
  readWaitMs: 1_000,
};

/** Runs the stream role until stopped. See `runStream` for how it ends. */
export function composeStream(deps: StreamDependencies, signals: StopSignals): Promise<void> {
  const { log, db, clickhouse, observer, leases, settings } = deps;
  return runStream(
    {
      log,
      hotStore: createClickHouseHotStore(clickhouse),
      checkpoints: createPostgresCheckpointStore(db, log.topic),
      campaigns: createPostgresCampaignDirectory(db),
      observer,
      delay,
      random: Math.random,
      nowMs: () => performance.now(),
    },
    { ...LIMITS, ...settings, hashKey: crypto.getRandomValues(new Int32Array(HASH_KEY_WORDS)) },
    leases,
    signals,
  );
}

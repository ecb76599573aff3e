import type { ClickHouseClient } from "@clickhouse/client";
import type { ClickHouseObjects } from "@trueclick/archive/clickhouseObjects";
import { createWorkerEncoder } from "@trueclick/archive/encode/workerEncoder";
import type { ObjectStore } from "@trueclick/archive/objectStore";
import type { Database } from "@trueclick/db/postgres/database";
import type { EventLogReader } from "@trueclick/event-log";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "@trueclick/shared/time";
import type { LeaseGroup } from "../leases/pipeline/holdPartitions.ts";
import type { StopSignals } from "../stopSignals.ts";
import { createClickHouseEventIndex } from "./adapters/clickhouseEventIndex.ts";
import { createPostgresCompactionManifest } from "./adapters/postgresCompactionManifest.ts";
import { createPostgresFlushRequests } from "./adapters/postgresFlushRequests.ts";
import { createPostgresManifest } from "./adapters/postgresManifest.ts";
import { type RoleLogger, runArchive } from "./pipeline/runArchive.ts";
import { runCompaction } from "./pipeline/runCompaction.ts";

export interface ArchiveDependencies {
  readonly reader: EventLogReader;
  readonly db: Database;
  readonly clickhouse: ClickHouseClient;
  readonly objectStore: ObjectStore;
  /** How the ClickHouse engine reads what is in `objectStore`. */
  readonly clickhouseObjects: ClickHouseObjects;
  readonly settings: {
    /** `ARCHIVE_FLUSH_INTERVAL_MS`. */
    readonly flushIntervalMs: number;
  };
  readonly leases: LeaseGroup;
  readonly logger: RoleLogger;
}

/**
 * Handing a stretch to the encoding thread copies its bytes once, some milliseconds; what a stretch
 * holds is read again after a crash. Objects still reach megabytes where there is traffic.
 */
const STRETCH_LIMITS = { eventsMax: 50_000, bytesMax: 24 * 1_048_576, hoursMax: 96 };

const COMPACTION = {
  // A merged object is decoded in memory, at some 2 KB a row and a row group at a time.
  limits: { objectsMin: 8, rowsMax: 200_000, bytesMax: 64 * 1_048_576 },
  intervalMs: 10 * MINUTE_MS,
  // By then an hour has nearly all of its events; what is later makes small objects again.
  settledMs: 2 * HOUR_MS,
  /** `COMPACTED_RETENTION`: as long as events may be late, so every open day outlives it. */
  retentionMs: 35 * DAY_MS,
} as const;

/** Runs the archive role until told to stop. See `runArchive` for how it ends. */
export async function composeArchive(
  deps: ArchiveDependencies,
  signals: StopSignals,
): Promise<void> {
  const { reader, db, clickhouse, objectStore, clickhouseObjects, settings, logger } = deps;
  const encoder = createWorkerEncoder();
  const merger = createWorkerEncoder();
  const index = createClickHouseEventIndex(clickhouse, clickhouseObjects);
  const ended = new AbortController();
  const compacting = runCompaction(
    {
      ...COMPACTION,
      merger,
      objects: objectStore,
      index,
      manifest: createPostgresCompactionManifest(db, reader.topic),
      nowMs: () => Date.now(),
      logger,
      onCompacted: (sources, path) =>
        logger.info({ objects: sources.length, path }, "compacted objects"),
    },
    AbortSignal.any([signals.stopping, ended.signal]),
  );
  try {
    await runArchive(
      {
        reader,
        encoder,
        objects: objectStore,
        index,
        manifest: createPostgresManifest(db, reader.topic),
        flushRequests: createPostgresFlushRequests(db, reader.topic),
        leases: deps.leases,
        limits: STRETCH_LIMITS,
        flushIntervalMs: settings.flushIntervalMs,
        nowMs: () => performance.now(),
        logger,
        onArchived({ partition, firstOffset, lastOffset, events }, objects) {
          const told = { partition, offsets: `${firstOffset}-${lastOffset}`, events };
          logger.info({ ...told, objects: objects.length }, "archived a stretch");
        },
      },
      signals,
    );
  } finally {
    ended.abort();
    // Ends what a thread is at, and so a pass that is under way.
    await Promise.all([encoder.close(), merger.close()]);
    await compacting;
  }
}

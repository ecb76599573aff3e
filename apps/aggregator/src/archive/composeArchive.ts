import type { ClickHouseClient } from "@clickhouse/client";
import type { ClickHouseObjects } from "@trueclick/archive/clickhouseObjects";
import { createWorkerEncoder } from "@trueclick/archive/encode/workerEncoder";
import type { ObjectStore } from "@trueclick/archive/objectStore";
import type { Database } from "@trueclick/db/postgres/database";
import type { EventLogReader } from "@trueclick/event-log";
import type { LeaseGroup } from "../leases/pipeline/holdPartitions.ts";
import type { StopSignals } from "../stopSignals.ts";
import { createClickHouseEventIndex } from "./adapters/clickhouseEventIndex.ts";
import { createPostgresFlushRequests } from "./adapters/postgresFlushRequests.ts";
import { createPostgresManifest } from "./adapters/postgresManifest.ts";
import { type RoleLogger, runArchive } from "./pipeline/runArchive.ts";

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

/** Runs the archive role until told to stop. See `runArchive` for how it ends. */
export async function composeArchive(
  deps: ArchiveDependencies,
  signals: StopSignals,
): Promise<void> {
  const { reader, db, clickhouse, objectStore, clickhouseObjects, settings, logger } = deps;
  const encoder = createWorkerEncoder();
  try {
    await runArchive(
      {
        reader,
        encoder,
        objects: objectStore,
        index: createClickHouseEventIndex(clickhouse, clickhouseObjects),
        manifest: createPostgresManifest(db, reader.topic),
        flushRequests: createPostgresFlushRequests(db, reader.topic),
        leases: deps.leases,
        limits: STRETCH_LIMITS,
        flushIntervalMs: settings.flushIntervalMs,
        nowMs: () => performance.now(),
        logger,
        onArchived({ partition, firstOffset, lastOffset, events }, objects) {
          const offsets = `${firstOffset}-${lastOffset}`;
          logger.info(
            { partition, offsets, events, objects: objects.length },
            "archived a stretch",
          );
        },
      },
      signals,
    );
  } finally {
    await encoder.close();
  }
}

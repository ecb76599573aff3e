import { OffsetOutOfRangeError } from "@trueclick/event-log";
import type { FlushRequests } from "../ports/flushRequests.ts";
import { StaleEpochError } from "../ports/manifest.ts";
import { archivePartition, type PartitionArchive } from "./archivePartition.ts";
import { backOff, pause } from "./backoff.ts";

/** What the roles say to their operator; pino's shape. */
export interface RoleLogger {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}

export interface ArchiveRole extends Omit<PartitionArchive, "latestFlushRequest"> {
  readonly flushRequests: FlushRequests;
  readonly logger: RoleLogger;
}

const FLUSH_REQUEST_POLL_MS = 250;

/**
 * Archives all partitions until aborted. A store or log that is away is tried again for as long as
 * it takes, from the checkpoint; a partition whose log has a hole stops alone, with an error.
 *
 * @throws {StaleEpochError} Another process took over: this one must end.
 */
export async function runArchive(role: ArchiveRole, signal: AbortSignal): Promise<void> {
  const stopping = new AbortController();
  const stopped = AbortSignal.any([signal, stopping.signal]);
  let newest: string | null = null;
  const archive = { ...role, latestFlushRequest: () => newest };
  const watchRequests = async () => {
    while (!stopped.aborted) {
      newest = await latestRequest(role, newest);
      await pause(FLUSH_REQUEST_POLL_MS, stopped);
    }
  };
  const partitions = Array.from({ length: role.reader.partitionCount }, (_, partition) =>
    keepArchiving(archive, role.logger, partition, stopped),
  );
  try {
    await Promise.all([watchRequests(), ...partitions]);
  } finally {
    stopping.abort();
    await Promise.allSettled(partitions);
  }
}

async function latestRequest(role: ArchiveRole, known: string | null): Promise<string | null> {
  try {
    return await role.flushRequests.latest();
  } catch (error) {
    role.logger.warn({ err: error }, "could not look for flush requests of the archive");
    return known;
  }
}

async function keepArchiving(
  archive: PartitionArchive,
  logger: RoleLogger,
  partition: number,
  signal: AbortSignal,
): Promise<void> {
  let failures = 0;
  const counted = {
    ...archive,
    onArchived: (...archived: Parameters<PartitionArchive["onArchived"]>) => {
      failures = 0;
      archive.onArchived(...archived);
    },
  };
  while (!signal.aborted) {
    try {
      await archivePartition(counted, partition, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof StaleEpochError) throw error;
      if (error instanceof OffsetOutOfRangeError) {
        logger.error({ err: error, partition }, "the archive stops: the log lacks what is next");
        return;
      }
      failures += 1;
      logger.warn({ err: error, partition, failures }, "archiving failed; trying again");
      await backOff(failures, signal);
    }
  }
}

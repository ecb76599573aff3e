import { OffsetOutOfRangeError, TopicReplacedError } from "@trueclick/event-log";
import {
  holdPartitions,
  type LeaseGroup,
  type PartitionEnd,
} from "../../leases/pipeline/holdPartitions.ts";
import type { StopSignals } from "../../stopSignals.ts";
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
  readonly leases: LeaseGroup;
  readonly logger: RoleLogger;
}

const FLUSH_REQUEST_POLL_MS = 250;

/**
 * Archives this process's share of the partitions until told to stop. A store or log that is away
 * is tried again for as long as it takes, from the checkpoint; a partition whose log has a hole
 * stops alone, with an error, and one that another process has taken over is left to it.
 */
export async function runArchive(role: ArchiveRole, signals: StopSignals): Promise<void> {
  const ended = new AbortController();
  const stopped = AbortSignal.any([signals.stopping, ended.signal]);
  let newest: string | null = null;
  const archive = { ...role, latestFlushRequest: () => newest };
  const watchRequests = async () => {
    while (!stopped.aborted) {
      newest = await latestRequest(role, newest);
      await pause(FLUSH_REQUEST_POLL_MS, stopped);
    }
  };
  const watching = watchRequests();
  try {
    const work = (partition: number, { stopping }: StopSignals) =>
      keepArchiving(archive, role.logger, partition, stopping);
    await holdPartitions(role.leases, work, signals);
  } finally {
    ended.abort();
    await watching;
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
): Promise<PartitionEnd> {
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
      if (signal.aborted) return "ended";
      if (error instanceof StaleEpochError) {
        logger.warn({ err: error, partition }, "another process archives this partition now");
        return "ended";
      }
      if (error instanceof OffsetOutOfRangeError) {
        logger.error({ err: error, partition }, "the archive stops: the log lacks what is next");
        return "stuck";
      }
      if (error instanceof TopicReplacedError) {
        logger.error({ err: error, partition }, "the archive stops: the topic is another one");
        return "stuck";
      }
      failures += 1;
      logger.warn({ err: error, partition, failures }, "archiving failed; trying again");
      await backOff(failures, signal);
    }
  }
  return "ended";
}

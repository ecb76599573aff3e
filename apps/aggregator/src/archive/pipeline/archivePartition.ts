import type { ManifestObject } from "@trueclick/archive/domain/manifestObject";
import type { EventLogReader } from "@trueclick/event-log";
import { type Stretch, StretchCollector, type StretchLimits } from "../domain/stretch.ts";
import { archiveStretch, type StretchStores } from "./archiveStretch.ts";

export interface PartitionArchive extends StretchStores {
  readonly reader: EventLogReader;
  readonly limits: StretchLimits;
  /** Longest that a record waits for the object it goes into, milliseconds. */
  readonly flushIntervalMs: number;
  /** The newest wish for a flush as last seen, see `FlushRequests`. */
  readonly latestFlushRequest: () => string | null;
  readonly nowMs: () => number;
  readonly onArchived: (stretch: Stretch, objects: readonly ManifestObject[]) => void;
}

/** Records in one read: with records of full size, 64 MiB. */
const RECORDS_PER_READ_MAX = 64;
const READ_WAIT_MS = 250;

/**
 * Archives one partition from its checkpoint on, until aborted. What was read but not yet written
 * is let go then: the next start reads it again.
 *
 * @throws {StaleEpochError} Somebody else archives this partition now.
 * @throws {OffsetOutOfRangeError} The log no longer holds what is next: events are lost to it.
 * @throws whatever a store throws. Calling again goes on from the checkpoint.
 */
export async function archivePartition(
  archive: PartitionArchive,
  partition: number,
  signal: AbortSignal,
): Promise<void> {
  const { startOffset } = await archive.reader.offsets(partition);
  const { epoch, nextOffset } = await archive.manifest.acquire(partition, startOffset);
  const collector = new StretchCollector(partition, nextOffset, archive.limits);
  const flush = new FlushTarget(archive, partition);
  let collectingSinceMs = archive.nowMs();

  while (!signal.aborted) {
    await flush.refresh();
    if (collector.isEmpty) collectingSinceMs = archive.nowMs();
    const records = await archive.reader.read({
      partition,
      fromOffset: collector.nextOffset,
      recordsMax: RECORDS_PER_READ_MAX,
      waitMs: READ_WAIT_MS,
      signal,
    });
    for (const record of records) {
      collector.add(record);
      if (collector.isFull) await write(archive, epoch, collector);
    }
    const isOverdue = archive.nowMs() - collectingSinceMs >= archive.flushIntervalMs;
    if (isOverdue || flush.isReached(collector.nextOffset)) {
      await write(archive, epoch, collector);
      collectingSinceMs = archive.nowMs();
    }
    flush.settle(collector.nextOffset);
  }
}

async function write(
  archive: PartitionArchive,
  epoch: bigint,
  collector: StretchCollector,
): Promise<void> {
  const stretch = collector.take();
  if (stretch === null) return;
  archive.onArchived(stretch, await archiveStretch(archive, epoch, stretch));
}

/** How far one partition must be archived for the newest wish for a flush to be met. */
class FlushTarget {
  readonly #archive: PartitionArchive;
  readonly #partition: number;
  #seen: string | null = null;
  #endOffset: bigint | null = null;

  constructor(archive: PartitionArchive, partition: number) {
    this.#archive = archive;
    this.#partition = partition;
  }

  /** Looks for a new wish, then where the log ends: so all that was there at the wish is covered. */
  async refresh(): Promise<void> {
    const latest = this.#archive.latestFlushRequest();
    if (latest === this.#seen) return;
    this.#endOffset = (await this.#archive.reader.offsets(this.#partition)).endOffset;
    this.#seen = latest;
  }

  isReached(nextOffset: bigint): boolean {
    return this.#endOffset !== null && nextOffset >= this.#endOffset;
  }

  settle(nextOffset: bigint): void {
    if (this.isReached(nextOffset)) this.#endOffset = null;
  }
}

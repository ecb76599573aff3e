import type { EventLogReader, LogRecord } from "@trueclick/event-log";
import type { StopSignals } from "../../stopSignals.ts";
import { type CountingMode, LEVEL, type ModeChange } from "../domain/countingMode.ts";
import type { EngineChanges } from "../domain/engineChanges.ts";
import { hoursOpenAt, lateHoursOf } from "../domain/flushHours.ts";
import { type Governor, type Observation, PressureGovernor } from "../domain/governor.ts";
import { type EngineOptions, PartitionEngine } from "../domain/partitionEngine.ts";
import type { CampaignDirectory } from "../ports/campaignDirectory.ts";
import type { CheckpointStore, Ownership } from "../ports/checkpointStore.ts";
import type { HotStore } from "../ports/hotStore.ts";
import type { StreamObserver } from "../ports/streamObserver.ts";
import { type RetryContext, retryWhilePassing } from "./retry.ts";

export interface PartitionDeps {
  readonly log: EventLogReader;
  readonly hotStore: HotStore;
  readonly checkpoints: CheckpointStore;
  readonly campaigns: CampaignDirectory;
  readonly observer: StreamObserver;
  readonly delay: (delayMs: number, signal: AbortSignal) => Promise<void>;
  readonly random: () => number;
  /** A monotonic clock, milliseconds. Only for pacing and metrics: it decides no count. */
  readonly nowMs: () => number;
  /** Who decides on degradation and lateness; by pressure, if nobody else. */
  readonly governor?: (mode: CountingMode) => Governor;
}

type FlushedRows = Pick<EngineChanges, "cells" | "users" | "rejects">;

/** By how much level 3 stretches the flush interval. */
const FLUSH_STRETCH = 5;

export interface PartitionSettings extends EngineOptions {
  readonly flushIntervalMs: number;
  /** Records of one read. */
  readonly readRecordsMax: number;
  /** Bytes after which a flush is due, however much of the log is waiting. */
  readonly flushBytesMax: number;
  /**
   * Users of live uniques after which a flush is due: reading waits until they are written. Those of
   * one more read may come on top.
   */
  readonly waitingUsersMax: number;
  /** How long a read waits for a first record, milliseconds. */
  readonly readWaitMs: number;
}

export type Progress = "idle" | "caught_up" | "behind";

/** Takes over one partition and counts it, flush by flush. */
export class PartitionReader {
  readonly #deps: PartitionDeps;
  readonly #settings: PartitionSettings;
  readonly #signals: StopSignals;
  readonly #owner: Ownership;
  readonly #engine: PartitionEngine;
  readonly #governor: Governor;
  #mode: CountingMode;
  /** No change before: a former owner may have written rows of what lies there, or may yet. */
  readonly #changesFrom: bigint;
  /** Rows are written of records before it alone. */
  #announced: bigint;
  #changedAt: bigint | null;
  #readFrom: bigint;
  #committed: bigint;
  /** Hours that lack what the log had lost before anything was read; until they are marked. */
  #cutHoursMs: readonly number[] = [];
  /** Whether nothing was read of this log, and it has lost records already. */
  #isCut: boolean;

  private constructor(
    deps: PartitionDeps,
    settings: PartitionSettings,
    signals: StopSignals,
    owner: Ownership,
  ) {
    this.#deps = deps;
    this.#settings = settings;
    this.#signals = signals;
    this.#owner = owner;
    this.#engine = new PartitionEngine(settings, owner.checkpoint, owner.modes);
    const { allowedLatenessMs } = settings;
    this.#changesFrom = owner.announcedOffset;
    this.#announced = owner.announcedOffset;
    this.#changedAt = owner.modes.at(-1)?.offsetFrom ?? null;
    this.#mode = owner.modes.at(-1) ?? { level: LEVEL.whole, allowedLatenessMs };
    this.#governor =
      deps.governor?.(this.#mode) ?? new PressureGovernor(allowedLatenessMs, this.#mode);
    this.#readFrom = owner.checkpoint.restartOffset;
    this.#committed = owner.checkpoint.nextOffset;
    this.#isCut = owner.checkpoint.appendTimeMs === null && owner.checkpoint.nextOffset > 0n;
  }

  /**
   * Becomes the partition's owner. A former one may go on writing, but commits no more. Where the
   * log has expired under the checkpoint, counting goes on behind the gap.
   */
  static async open(
    deps: PartitionDeps,
    settings: PartitionSettings,
    signals: StopSignals,
  ): Promise<PartitionReader> {
    const { partition } = settings;
    const retry = retryContext(deps, partition, "acquire", signals.stopping);
    const { startOffset, ...acquired } = await retryWhilePassing(async () => {
      const bounds = await deps.log.offsets(partition);
      const { startOffset } = bounds;
      return { startOffset, owner: await deps.checkpoints.acquire(partition, bounds) };
    }, retry);
    const isExpired = acquired.owner.checkpoint.restartOffset < startOffset;
    const owner = isExpired
      ? await passGap(deps, acquired.owner, startOffset, retry)
      : acquired.owner;
    deps.observer.owned(partition, owner.epoch, owner.checkpoint);
    return new PartitionReader(deps, settings, signals, owner);
  }

  /**
   * Reads what is there, up to a flush interval's or a flush's worth, and makes it durable. Writes
   * nothing where there is nothing new.
   *
   * @returns `idle`: there was nothing; `caught_up`: the end of the log was reached.
   * @throws {OffsetOutOfRangeError} The log has lost, or never had, what comes next.
   * @throws {StaleEpochError} The partition has a newer owner.
   * @throws {StoreRejectedError} A store refused.
   */
  async step(): Promise<Progress> {
    const progress = await this.#readAndAdmit();
    await this.#flush(progress !== "behind");
    return progress;
  }

  async #readAndAdmit(): Promise<Progress> {
    const { log, campaigns, nowMs } = this.#deps;
    const { partition, readRecordsMax: recordsMax, flushBytesMax, readWaitMs } = this.#settings;
    const { flushIntervalMs, waitingUsersMax } = this.#settings;
    const stretch = this.#mode.level >= LEVEL.slowFlushes ? FLUSH_STRETCH : 1;
    const intervalMs = stretch * flushIntervalMs;
    const startedMs = nowMs();
    let bytes = 0;
    while (
      bytes < flushBytesMax &&
      this.#engine.held.users < waitingUsersMax &&
      nowMs() - startedMs < intervalMs
    ) {
      const { stopping: signal } = this.#signals;
      if (signal.aborted) break;
      const waitMs = bytes === 0 ? readWaitMs : 0;
      const read = { partition, fromOffset: this.#readFrom, recordsMax, waitMs, signal };
      const records = await this.#retry("read", signal, () => log.read(read));
      if (records.length === 0) return bytes === 0 ? "idle" : "caught_up";
      const newest = records.reduce((max, record) => Math.max(max, record.appendTimeMs), 0);
      const snapshot = await this.#retry("campaigns", signal, () => campaigns.snapshotFor(newest));
      this.#noteCut(records);
      for (const record of records) {
        this.#engine.admit(record, snapshot);
        this.#readFrom = record.offset + 1n;
        bytes += record.value.length;
      }
      // All that the engine keeps of them it has copied.
      log.release(records);
    }
    return "behind";
  }

  /**
   * Makes durable what was admitted. The order is what makes a crash between any two steps
   * harmless.
   */
  async #flush(caughtUp: boolean): Promise<void> {
    const { checkpoints, observer, nowMs } = this.#deps;
    const { deadline } = this.#signals;
    const { partition } = this.#settings;
    const checkpoint = this.#engine.checkpoint();
    const isNew = checkpoint.nextOffset !== this.#committed;
    if (!isNew && this.#mode.level === LEVEL.whole) return;
    const { outcomes, degradedHoursMs, rescuable, ...rows } = this.#engine.takeChanges();
    const { cells, rejects } = rows;
    const startedMs = nowMs();
    await this.#announce(checkpoint.nextOffset, rows);
    await this.#write(rows);
    // Only now may a restart leave these records out: all that they led to is written. The windows
    // that they closed are gone from memory already; nothing needs them once this is committed.
    const lateHours = lateHoursOf(rejects);
    const flushMs = nowMs() - startedMs;
    const events = [...outcomes.values()].reduce((sum, count) => sum + count, 0);
    const seen = { nowMs: nowMs(), caughtUp, flushMs, events, rescuable };
    const modeChange = this.#decide(seen, checkpoint.nextOffset);
    if (!isNew && modeChange === null) return;
    const facts = { degradedHoursMs, cutHoursMs: this.#cutHoursMs, modeChange };
    const commit = () => checkpoints.commit(this.#owner, checkpoint, lateHours, facts);
    await this.#retry("commit", deadline, commit);
    this.#cutHoursMs = [];
    if (modeChange !== null) this.#engine.changeMode(modeChange);

    this.#committed = checkpoint.nextOffset;
    const durationMs = nowMs() - startedMs;
    const counts = { cells: cells.length, rejects: rejects.length };
    observer.flushed(partition, { durationMs, ...counts, outcomes, checkpoint });
  }

  /**
   * Says how far there may be rows, before there are. Who was deposed is refused here and writes
   * none, and whoever deposed it changes no counting before where it had come: so of no record are
   * there rows by one who did not know how it is counted.
   */
  async #announce(offset: bigint, { cells, users, rejects }: FlushedRows): Promise<void> {
    if (offset <= this.#announced || cells.length + users.length + rejects.length === 0) return;
    const announce = () => this.#deps.checkpoints.announce(this.#owner, offset);
    await this.#retry("announce", this.#signals.deadline, announce);
    this.#announced = offset;
  }

  /** Where a log is read for the first time that has lost records, its first windows lack some. */
  #noteCut([first]: readonly LogRecord[]): void {
    if (!this.#isCut || first === undefined) return;
    this.#isCut = false;
    const modes = [this.#settings, ...this.#owner.modes];
    const latenessMs = Math.max(...modes.map(({ allowedLatenessMs }) => allowedLatenessMs));
    this.#cutHoursMs = hoursOpenAt(first.appendTimeMs, latenessMs);
  }

  /**
   * Writes the rows of a flush, those of all tables at once: none needs another, and whatever part of
   * them is there when the process dies is ahead of the checkpoint and harms nobody. Cells are absolute
   * counts, and the next owner comes to the same ones under the same versions; users are sets; evidence
   * is keyed by coordinates, and the next owner judges alike.
   */
  async #write({ cells, users, rejects }: FlushedRows): Promise<void> {
    const { hotStore } = this.#deps;
    const { deadline } = this.#signals;
    const { partition } = this.#settings;
    const writeAll = (
      step: string,
      rows: { readonly length: number },
      write: () => Promise<void>,
    ) => (rows.length === 0 ? Promise.resolve() : this.#retry(step, deadline, write));
    const written = await Promise.allSettled([
      writeAll("cells", cells, () => hotStore.writeCells(partition, cells, deadline)),
      writeAll("users", users, () => hotStore.writeUsers(users, deadline)),
      writeAll("rejects", rejects, () => hotStore.writeRejects(rejects, deadline)),
    ]);
    // Not before all have ended: none goes on behind the end of its owner.
    for (const result of written) if (result.status === "rejected") throw result.reason;
  }

  /**
   * How the records from an offset on are counted, if otherwise. It is kept with the checkpoint,
   * before any row that depends on it, so that whoever comes next counts those records alike. Once
   * an offset has a change it keeps it: the commit that brought it may be repeated at any time.
   */
  #decide(seen: Observation, offsetFrom: bigint): ModeChange | null {
    if (offsetFrom < this.#changesFrom || this.#changedAt === offsetFrom) return null;
    const decided = this.#governor.decide(seen);
    if (decided === null) return null;
    this.#mode = decided;
    this.#changedAt = offsetFrom;
    return { ...decided, offsetFrom };
  }

  #retry<T>(step: string, signal: AbortSignal, attempt: () => Promise<T>): Promise<T> {
    const context = retryContext(this.#deps, this.#settings.partition, step, signal);
    return retryWhilePassing(attempt, context);
  }
}

/** Moves the checkpoint past what the log has lost, and takes it over anew. */
async function passGap(
  { log, checkpoints, observer }: PartitionDeps,
  owner: Ownership,
  startOffset: bigint,
  retry: RetryContext,
): Promise<Ownership> {
  const { partition } = owner;
  const skip = () => checkpoints.skipExpired(owner, startOffset);
  observer.expired(partition, await retryWhilePassing(skip, retry));
  const acquire = async () => checkpoints.acquire(partition, await log.offsets(partition));
  return retryWhilePassing(acquire, retry);
}

function retryContext(
  { delay, random, observer }: PartitionDeps,
  partition: number,
  step: string,
  signal: AbortSignal,
) {
  const onRetry = (error: Error) => observer.retrying(partition, step, error);
  const onRecovered = () => observer.recovered(partition, step);
  return { signal, delay, random, onRetry, onRecovered };
}

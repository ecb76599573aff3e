import type { ModeChange } from "../domain/countingMode.ts";
import type { CellRows, CellTotals } from "../domain/cubes.ts";
import { type HourUsers, USER_HASH_BYTES } from "../domain/hourUsers.ts";
import { type ArchivedStretch, passGap } from "../domain/logGap.ts";
import type { StreamReject } from "../domain/outcomes.ts";
import { type EngineCheckpoint, initialCheckpoint } from "../domain/partitionEngine.ts";
import {
  type CheckpointStore,
  type LogBounds,
  type LogGap,
  type Ownership,
  StaleEpochError,
} from "../ports/checkpointStore.ts";
import type { HotStore } from "../ports/hotStore.ts";

export function cellKey(partition: number, cell: CellTotals): string {
  const { advertiserId, cube, campaignId, windowStartMs, dimensionValue } = cell;
  return [advertiserId, cube, campaignId, windowStartMs, dimensionValue, partition].join("/");
}

export function rejectKey({ partition, offset, index }: StreamReject): string {
  return `${partition}:${offset}:${index}`;
}

/** Keeps the highest version of a cell, as `ReplacingMergeTree` does, and the last of equal ones. */
export class MemoryHotStore implements HotStore {
  readonly cells = new Map<string, CellTotals>();
  readonly rejects = new Map<string, StreamReject>();
  /** Hashes by `campaign/hour`. */
  readonly users = new Map<string, Set<string>>();

  async writeCells(partition: number, cells: CellRows): Promise<void> {
    for (const cell of cells) {
      const key = cellKey(partition, cell);
      const kept = this.cells.get(key);
      if (kept === undefined || kept.version <= cell.version) this.cells.set(key, cell);
    }
  }

  async writeUsers(users: readonly HourUsers[]): Promise<void> {
    for (const { campaignId, hourStartMs, userHashes } of users) {
      const key = `${campaignId}/${hourStartMs}`;
      const set = this.users.get(key) ?? new Set();
      this.users.set(key, set);
      for (let at = 0; at < userHashes.length; at += USER_HASH_BYTES) {
        set.add(userHashes.slice(at, at + USER_HASH_BYTES).join());
      }
    }
  }

  async writeRejects(rejects: readonly StreamReject[]): Promise<void> {
    for (const reject of rejects) this.rejects.set(rejectKey(reject), reject);
  }
}

/** What a checkpoint store asks of the archive. */
export interface MemoryManifest {
  stretchOf(partition: number, fromOffset: bigint, toOffset: bigint): ArchivedStretch;
}

const NOTHING_ARCHIVED: MemoryManifest = {
  stretchOf: () => ({ hoursMs: [], isWhole: false, newestAppendMs: null }),
};

/** Hours that were marked as dirty at once. */
export interface MemoryMark {
  readonly partition: number;
  readonly cause: "late" | "degraded" | "expired";
  readonly hoursMs: readonly number[];
}

/** A gap as the store keeps it. */
export interface MemoryGap extends LogGap {
  readonly partition: number;
  /** Of the owner that went on behind it. */
  readonly epoch: bigint;
  /** What lies before was counted, and is only missing from windows that were open. */
  readonly uncountedFrom: bigint;
  /** Up to where the owner that went on behind it goes by the watermark of the archive. */
  readonly appendTimeMs: number | null;
  unsureUntil: bigint | null;
}

interface MemoryRow {
  epoch: bigint;
  checkpoint: EngineCheckpoint;
  announcedOffset: bigint;
}

/** Checkpoints of one topic, fenced by epoch. */
export class MemoryCheckpointStore implements CheckpointStore {
  readonly rows = new Map<number, MemoryRow>();
  /** How each partition is counted; outlives its checkpoints. */
  readonly modes = new Map<number, ModeChange[]>();
  /** In the order of their transactions. */
  readonly marks: MemoryMark[] = [];
  readonly gaps: MemoryGap[] = [];
  readonly #manifest: MemoryManifest;

  constructor(manifest: MemoryManifest = NOTHING_ARCHIVED) {
    this.#manifest = manifest;
  }

  async acquire(partition: number, { startOffset, endOffset }: LogBounds) {
    const row = this.rows.get(partition);
    const checkpoint = row?.checkpoint ?? initialCheckpoint(startOffset);
    const epoch = (row?.epoch ?? 0n) + 1n;
    const announced = row?.announcedOffset ?? endOffset;
    const { nextOffset } = checkpoint;
    const announcedOffset = announced > nextOffset ? announced : nextOffset;
    this.rows.set(partition, { epoch, checkpoint, announcedOffset });
    const changes = this.modes.get(partition) ?? [];
    const governing = changes.findLastIndex(({ offsetFrom: from }) => {
      return from <= checkpoint.restartOffset;
    });
    const modes = changes.slice(Math.max(0, governing));
    return { partition, epoch, checkpoint, modes, announcedOffset };
  }

  async announce(owner: Ownership, offset: bigint): Promise<void> {
    const row = this.#rowOf(owner);
    if (row.announcedOffset < offset) row.announcedOffset = offset;
  }

  async commit(
    ...[owner, checkpoint, hoursMs, facts]: Parameters<CheckpointStore["commit"]>
  ): Promise<void> {
    const row = this.#rowOf(owner);
    if (row.checkpoint.nextOffset > checkpoint.nextOffset) return;
    const { partition } = owner;
    this.mark({ partition, cause: "degraded", hoursMs: facts?.degradedHoursMs ?? [] });
    this.mark({ partition, cause: "expired", hoursMs: facts?.cutHoursMs ?? [] });
    this.mark({ partition, cause: "late", hoursMs });
    row.checkpoint = checkpoint;
    const change = facts?.modeChange ?? null;
    if (change === null) return;
    const kept = this.modes.get(partition) ?? [];
    if (kept.some(({ offsetFrom }) => offsetFrom === change.offsetFrom)) return;
    this.modes.set(partition, [...kept, change]);
  }

  async skipExpired(owner: Ownership, startOffset: bigint): Promise<LogGap> {
    const row = this.#rowOf(owner);
    const { partition, checkpoint: before, announcedOffset } = owner;
    const { restartOffset, nextOffset: uncountedFrom } = before;
    const archived = this.#manifest.stretchOf(partition, restartOffset, startOffset);
    const log = { startOffset, announcedOffset };
    const { checkpoint, ...gap } = passGap(before, log, archived);
    const { appendTimeMs } = checkpoint;
    const found = { partition, epoch: owner.epoch, uncountedFrom, appendTimeMs };
    const kept = { ...gap, ...found, hours: archived.hoursMs.length };
    this.mark({ partition, cause: "expired", hoursMs: archived.hoursMs });
    row.checkpoint = checkpoint;
    this.gaps.push(kept);
    return kept;
  }

  mark(mark: MemoryMark): void {
    if (mark.hoursMs.length > 0) this.marks.push(mark);
  }

  #rowOf(owner: Ownership) {
    const row = this.rows.get(owner.partition);
    if (row?.epoch !== owner.epoch) throw new StaleEpochError(owner);
    return row;
  }
}

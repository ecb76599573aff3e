import type { ModeChange } from "../domain/countingMode.ts";
import type { CellTotals } from "../domain/cubes.ts";
import { type HourUsers, USER_HASH_BYTES } from "../domain/hourUsers.ts";
import type { StreamReject } from "../domain/outcomes.ts";
import { type EngineCheckpoint, initialCheckpoint } from "../domain/partitionEngine.ts";
import {
  type CheckpointStore,
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

  async writeCells(partition: number, cells: readonly CellTotals[]): Promise<void> {
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

/** Checkpoints of one topic, fenced by epoch. */
export class MemoryCheckpointStore implements CheckpointStore {
  readonly rows = new Map<number, { epoch: bigint; checkpoint: EngineCheckpoint }>();

  async acquire(partition: number, startOffset: bigint) {
    const row = this.rows.get(partition);
    const checkpoint = row?.checkpoint ?? initialCheckpoint(startOffset);
    const epoch = (row?.epoch ?? 0n) + 1n;
    this.rows.set(partition, { epoch, checkpoint });
    const changes = this.modes.get(partition) ?? [];
    const governing = changes.findLastIndex(({ offsetFrom: from }) => {
      return from <= checkpoint.restartOffset;
    });
    return { partition, epoch, checkpoint, modes: changes.slice(Math.max(0, governing)) };
  }

  /** How each partition is counted; outlives its checkpoints. */
  readonly modes = new Map<number, ModeChange[]>();

  /** Hours marked by commits, and gaps skipped, in their order. */
  readonly marks: { partition: number; hoursMs: readonly number[] }[] = [];
  readonly degraded: { partition: number; hoursMs: readonly number[] }[] = [];
  readonly gaps: LogGap[] = [];

  async commit(
    ...[owner, checkpoint, hoursMs, facts]: Parameters<CheckpointStore["commit"]>
  ): Promise<void> {
    const row = this.rows.get(owner.partition);
    if (row?.epoch !== owner.epoch) throw new StaleEpochError(owner);
    const { partition } = owner;
    if (hoursMs.length > 0) this.marks.push({ partition, hoursMs });
    const degraded = facts?.degradedHoursMs ?? [];
    if (degraded.length > 0) this.degraded.push({ partition, hoursMs: degraded });
    if (row.checkpoint.nextOffset > checkpoint.nextOffset) return;
    row.checkpoint = checkpoint;
    const change = facts?.modeChange ?? null;
    if (change === null) return;
    const kept = this.modes.get(partition) ?? [];
    if (kept.some(({ offsetFrom }) => offsetFrom === change.offsetFrom)) return;
    this.modes.set(partition, [...kept, change]);
  }

  async skipExpired(owner: Ownership, startOffset: bigint): Promise<LogGap> {
    const row = this.rows.get(owner.partition);
    if (row?.epoch !== owner.epoch) throw new StaleEpochError(owner);
    const { nextOffset, restartOffset } = row.checkpoint;
    row.checkpoint = {
      ...row.checkpoint,
      nextOffset: nextOffset > startOffset ? nextOffset : startOffset,
      restartOffset: startOffset,
    };
    const gap = { fromOffset: restartOffset, toOffset: startOffset, hours: 0, archived: false };
    this.gaps.push(gap);
    return gap;
  }
}

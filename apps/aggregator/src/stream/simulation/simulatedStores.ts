import type { CellRows } from "../domain/cubes.ts";
import type { HourUsers } from "../domain/hourUsers.ts";
import type { StreamReject } from "../domain/outcomes.ts";
import type { CheckpointStore } from "../ports/checkpointStore.ts";
import {
  cellKey,
  MemoryCheckpointStore,
  MemoryHotStore,
  type MemoryManifest,
  rejectKey,
} from "../testing/memoryStores.ts";
import type { Life } from "./schedule.ts";

/** Who writes. */
export interface Writer {
  readonly life: Life;
  readonly epoch: bigint;
}

/** Of what cannot be told to which record it belongs. */
const END_OF_TIME = 2n ** 62n;

/** Who wrote a row last, and the offset that the row goes by. */
export interface Written extends Writer {
  readonly offset: bigint;
}

/** A hot store that notices when one version of a cell has two contents. */
export class SimulatedHotStore extends MemoryHotStore {
  /** What the stream has written, and no backfill. */
  readonly stream = new MemoryHotStore();
  /** By the keys of the stream's `cells` and `rejects`; those of `users` with each owner behind. */
  readonly written = new Map<string, Written>();
  /** Set for one write at a time; none of a backfill's. */
  writer: Writer | null = null;
  /** Versions of cells that have had two contents, the cell as `cube/value/minute`. */
  readonly conflicts: { partition: number; cell: string; words: string }[] = [];
  readonly #contents = new Map<string, string>();

  override async writeCells(partition: number, cells: CellRows): Promise<void> {
    await super.writeCells(partition, cells);
    if (this.writer === null) return;
    this.#compare(partition, cells);
    await this.stream.writeCells(partition, cells);
    for (const cell of cells) {
      const key = cellKey(partition, cell);
      if (this.stream.cells.get(key) === cell) this.#note(key, cell.version);
    }
  }

  override async writeUsers(users: readonly HourUsers[]): Promise<void> {
    await super.writeUsers(users);
    if (this.writer === null) return;
    await this.stream.writeUsers(users);
    // Nobody takes users out again, so each who added some counts; of which records does not show.
    for (const { campaignId, hourStartMs } of users) {
      const { epoch, life } = this.writer;
      // A replay has the same epochs again.
      this.#note(`${campaignId}/${hourStartMs}/${life.id}:${epoch}`, END_OF_TIME);
    }
  }

  override async writeRejects(rejects: readonly StreamReject[]): Promise<void> {
    await super.writeRejects(rejects);
    if (this.writer !== null) await this.stream.writeRejects(rejects);
    for (const reject of rejects) this.#note(rejectKey(reject), reject.offset);
  }

  #note(key: string, offset: bigint): void {
    if (this.writer !== null) this.written.set(key, { ...this.writer, offset });
  }

  #compare(partition: number, cells: CellRows): void {
    for (const { version, cube, dimensionValue, windowStartMs, ...counts } of cells) {
      const cell = `${cube}/${dimensionValue}/${windowStartMs}`;
      const key = `${partition}/${cell}@${version}`;
      const content = Object.values(counts).join();
      const before = this.#contents.get(key) ?? content;
      const words = `${key} is ${before}, then ${content}`;
      if (before !== content) this.conflicts.push({ partition, cell, words });
      this.#contents.set(key, content);
    }
  }
}

/** A checkpoint store that notices when a checkpoint moves back. */
export class SimulatedCheckpointStore extends MemoryCheckpointStore {
  readonly #violations: string[];

  constructor(manifest: MemoryManifest, violations: string[]) {
    super(manifest);
    this.#violations = violations;
  }

  override async commit(...args: Parameters<CheckpointStore["commit"]>): Promise<void> {
    const [{ partition }] = args;
    const before = this.rows.get(partition)?.checkpoint.nextOffset ?? 0n;
    await super.commit(...args);
    this.noticeMove(partition, before);
  }

  /** For whoever sets a checkpoint past the rules. */
  noticeMove(partition: number, before: bigint): void {
    const after = this.rows.get(partition)?.checkpoint.nextOffset ?? 0n;
    if (after < before) {
      this.#violations.push(`the checkpoint of ${partition} moved from ${before} to ${after}`);
    }
  }
}

import {
  type EventLogReader,
  type LogRecord,
  OffsetOutOfRangeError,
  type ReadRequest,
} from "@trueclick/event-log";
import type { CellTotals } from "../domain/cubes.ts";
import type { HourUsers } from "../domain/hourUsers.ts";
import type { StreamReject } from "../domain/outcomes.ts";
import type { CheckpointStore, LogGap, Ownership } from "../ports/checkpointStore.ts";
import {
  cellKey,
  MemoryCheckpointStore,
  MemoryHotStore,
  rejectKey,
} from "../testing/memoryStores.ts";
import type { SimulatedRecord } from "./simulatedTraffic.ts";

/** A log that is appended to, and forgets, while it is read. */
export class SimulatedLog implements EventLogReader {
  readonly topic = "clicks.raw";
  readonly partitionCount: number;
  readonly #records: readonly (readonly SimulatedRecord[])[];
  readonly #appended: number[];
  readonly #startOffsets: bigint[];

  constructor(records: readonly (readonly SimulatedRecord[])[]) {
    this.#records = records;
    this.partitionCount = records.length;
    this.#appended = records.map(() => 0);
    this.#startOffsets = records.map(() => 0n);
  }

  /** Appends the next record of a partition, if one is left. */
  append(partition: number): void {
    const total = this.#records[partition]?.length ?? 0;
    this.#appended[partition] = Math.min(total, (this.#appended[partition] ?? 0) + 1);
  }

  appendAll(): void {
    for (const [partition, records] of this.#records.entries()) {
      this.#appended[partition] = records.length;
    }
  }

  /** Forgets what lies before an offset; from 0 on, it has it all again. */
  expire(partition: number, startOffset: bigint): void {
    this.#startOffsets[partition] = startOffset;
  }

  async read({ partition, fromOffset, recordsMax }: ReadRequest): Promise<readonly LogRecord[]> {
    const range = await this.offsets(partition);
    if (fromOffset < range.startOffset || fromOffset > range.endOffset) {
      throw new OffsetOutOfRangeError(partition, fromOffset, range);
    }
    const appended = (this.#records[partition] ?? []).slice(0, this.#appended[partition]);
    return appended.filter(({ offset }) => offset >= fromOffset).slice(0, recordsMax);
  }

  async offsets(partition: number) {
    const startOffset = this.#startOffsets[partition] ?? 0n;
    const last = this.#records[partition]?.[(this.#appended[partition] ?? 0) - 1];
    const endOffset = last === undefined ? startOffset : last.offset + 1n;
    return { startOffset, endOffset };
  }

  async close(): Promise<void> {}
}

/** Of what cannot be told to which record it belongs. */
const END_OF_TIME = 2n ** 62n;

/** Who writes. */
export interface Writer {
  readonly epoch: bigint;
  /** Offsets from which counting changes, as far as the writer knows of them. */
  readonly knownChanges: ReadonlySet<bigint>;
  /** Whether somebody else owns the partition by now. */
  readonly isDeposed: boolean;
}

/** Who wrote a row last, and the offset that the row goes by. */
export interface Written extends Writer {
  readonly offset: bigint;
}

/** A hot store that notices when one version of a cell has two contents. */
export class SimulatedHotStore extends MemoryHotStore {
  /** By the keys of `cells` and `rejects`; those of `users` with each writer's epoch behind. */
  readonly written = new Map<string, Written>();
  /** Set for one write at a time. */
  writer: Writer | null = null;
  /** Versions of cells that have had two contents, the cell as `cube/value/minute`. */
  readonly conflicts: { partition: number; cell: string; words: string }[] = [];
  readonly #contents = new Map<string, string>();

  override async writeCells(partition: number, cells: readonly CellTotals[]): Promise<void> {
    if (this.writer?.isDeposed !== true) this.#compare(partition, cells);
    await super.writeCells(partition, cells);
    for (const cell of cells) {
      const key = cellKey(partition, cell);
      if (this.cells.get(key) === cell) this.#note(key, cell.version);
    }
  }

  override async writeUsers(users: readonly HourUsers[]): Promise<void> {
    await super.writeUsers(users);
    // Nobody takes users out again, so each who added some counts; of which records does not show.
    if (this.writer?.isDeposed !== true) return;
    for (const { campaignId, hourStartMs } of users) {
      this.#note(`${campaignId}/${hourStartMs}/${this.writer.epoch}`, END_OF_TIME);
    }
  }

  override async writeRejects(rejects: readonly StreamReject[]): Promise<void> {
    await super.writeRejects(rejects);
    for (const reject of rejects) this.#note(rejectKey(reject), reject.offset);
  }

  #note(key: string, offset: bigint): void {
    if (this.writer !== null) this.written.set(key, { ...this.writer, offset });
  }

  #compare(partition: number, cells: readonly CellTotals[]): void {
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

/** A stretch of the log that was forgotten before it was done with. */
export interface LostStretch {
  readonly partition: number;
  /** Of the owner that went on behind it. */
  readonly epoch: bigint;
  readonly fromOffset: bigint;
  /** What lies before was counted, and is only missing from windows that were open. */
  readonly uncountedFrom: bigint;
  readonly toOffset: bigint;
}

/** A checkpoint store that notices when a checkpoint moves back. */
export class SimulatedCheckpointStore extends MemoryCheckpointStore {
  readonly lost: LostStretch[] = [];
  readonly #violations: string[];

  constructor(violations: string[]) {
    super();
    this.#violations = violations;
  }

  override async commit(...args: Parameters<CheckpointStore["commit"]>): Promise<void> {
    const [{ partition }] = args;
    const before = this.rows.get(partition)?.checkpoint.nextOffset ?? 0n;
    await super.commit(...args);
    this.noticeMove(partition, before);
  }

  override async skipExpired(owner: Ownership, startOffset: bigint): Promise<LogGap> {
    const { partition, epoch } = owner;
    const before = this.rows.get(partition)?.checkpoint;
    const gap = await super.skipExpired(owner, startOffset);
    const { fromOffset, toOffset } = gap;
    const uncountedFrom = before?.nextOffset ?? 0n;
    this.lost.push({ partition, epoch, uncountedFrom, fromOffset, toOffset });
    return gap;
  }

  /** For whoever sets a checkpoint past the rules. */
  noticeMove(partition: number, before: bigint): void {
    const after = this.rows.get(partition)?.checkpoint.nextOffset ?? 0n;
    if (after < before) {
      this.#violations.push(`the checkpoint of ${partition} moved from ${before} to ${after}`);
    }
  }
}

/** What outlives every process. */
export interface SimulatedWorld {
  readonly records: readonly (readonly SimulatedRecord[])[];
  readonly log: SimulatedLog;
  readonly hotStore: SimulatedHotStore;
  readonly checkpoints: SimulatedCheckpointStore;
  /** What was seen that must never be, in words. */
  readonly violations: string[];
}

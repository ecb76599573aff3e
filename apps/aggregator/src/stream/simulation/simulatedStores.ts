import {
  type EventLogReader,
  type LogRecord,
  OffsetOutOfRangeError,
  type ReadRequest,
} from "@trueclick/event-log";
import type { CellTotals } from "../domain/cubes.ts";
import type { CheckpointStore } from "../ports/checkpointStore.ts";
import { MemoryCheckpointStore, MemoryHotStore } from "../testing/memoryStores.ts";
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

  /** Forgets what lies before an offset. */
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

/** A hot store that notices when one version of a cell has two contents. */
export class SimulatedHotStore extends MemoryHotStore {
  readonly #contents = new Map<string, string>();
  readonly #violations: string[];

  constructor(violations: string[]) {
    super();
    this.#violations = violations;
  }

  override async writeCells(partition: number, cells: readonly CellTotals[]): Promise<void> {
    for (const { version, ...cell } of cells) {
      const { cube, dimensionValue, windowStartMs, ...counts } = cell;
      const key = `${partition}/${cube}/${dimensionValue}/${windowStartMs}@${version}`;
      const content = Object.values(counts).join();
      const before = this.#contents.get(key) ?? content;
      if (before !== content) this.#violations.push(`${key} is ${before}, then ${content}`);
      this.#contents.set(key, content);
    }
    await super.writeCells(partition, cells);
  }
}

/** A checkpoint store that notices when a checkpoint moves back. */
export class SimulatedCheckpointStore extends MemoryCheckpointStore {
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

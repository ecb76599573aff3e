/**
 * How events are counted. It may depend on how busy the machine is, so it is no function of the
 * log; each change is therefore kept with the offset from which it holds, and a replay counts by it.
 */

/** Degradation levels: each includes those below. Raw events are never left out. */
export const LEVEL = {
  whole: 0,
  /** Unique users are not kept. */
  withoutUniques: 1,
  /** Campaign × ad is counted; the other cubes are left to the backfill. */
  adsOnly: 2,
  /** Rows are written less often. */
  slowFlushes: 3,
} as const;

export interface CountingMode {
  /** By `LEVEL`. */
  readonly level: number;
  readonly allowedLatenessMs: number;
}

export interface ModeChange extends CountingMode {
  /** The first record that is counted so. */
  readonly offsetFrom: bigint;
  /** What called for it, in words. */
  readonly cause: string;
}

/** The modes of one partition, from offset to offset. */
export class CountingModes {
  #mode: CountingMode;
  #ahead: ModeChange[];

  /**
   * @param first Before any change.
   * @param changes By ascending offset, from the one that governs the first record to be read.
   */
  constructor(first: CountingMode, changes: readonly ModeChange[]) {
    this.#mode = first;
    this.#ahead = [...changes];
  }

  /** The mode of the record at hand. */
  get mode(): CountingMode {
    return this.#mode;
  }

  /** Turns to another record. Offsets ascend. */
  turnTo(offset: bigint): void {
    for (let next = this.#ahead[0]; next !== undefined; next = this.#ahead[0]) {
      if (next.offsetFrom > offset) return;
      this.#mode = next;
      this.#ahead.shift();
    }
  }

  /** Adds a change, for records that are not read yet. */
  add(change: ModeChange): void {
    this.#ahead.push(change);
  }
}

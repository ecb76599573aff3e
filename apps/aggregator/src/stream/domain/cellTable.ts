import { mix } from "./spanHash.ts";

const CELLS_MIN = 8;
/** By how much a cost's upper half outweighs its lower. */
const COST_HALF = 2 ** 32;
const COST_HALF_BITS = 32n;
const EXACT_UPPER = 2 ** 20;

/** The counts of a cell, by place. */
export const COUNT = {
  clicks: 0,
  invalidClicks: 1,
  duplicateClicks: 2,
  impressions: 3,
  conversions: 4,
} as const;
/** A cost in two halves, so that adding one makes no `bigint`: upper × 2^32 + lower. */
export interface HalvedMicros {
  readonly upper: number;
  readonly lower: number;
}

export function halved(micros: bigint): HalvedMicros {
  return {
    upper: Number(micros >> COST_HALF_BITS),
    lower: Number(BigInt.asUintN(32, micros)),
  };
}

/** A row: its key, the record that changed it last, its counts, and its cost in two halves. */
const ROW_WORDS = 10;
const CAMPAIGN_CUBE = 0;
const VALUE = 1;
const CHANGED_BY = 2;
const FIRST_COUNT = 3;
const COST_UPPER = 8;
const COST_LOWER = 9;

/** What `lookAtRows` leaves for a key whose cell it did not see: it may be there all the same. */
export const NO_CELL = -1;

/** Keys of cells, and what was seen of the cells; by place. */
export interface CellKeys {
  readonly campaignCubes: Int32Array;
  readonly values: Int32Array;
  readonly cells: Int32Array;
}

/**
 * The cells of one window, found by their keys as small integers. A cell is one row of words, so
 * that counting an event touches one line or two of memory, and growing copies once.
 */
export class CellTable {
  /** Cell + 1 by slot; 0 marks a free one. Twice as many slots as rows. */
  #slots = new Int32Array(2 * CELLS_MIN);
  #rows = new Int32Array(CELLS_MIN * ROW_WORDS);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Bytes held. */
  get byteLength(): number {
    return this.#slots.byteLength + this.#rows.byteLength;
  }

  /** The cell with this key, opened when it is new. */
  cellAt(campaignCube: number, value: number): number {
    const slots = this.#slots;
    const rows = this.#rows;
    const mask = slots.length - 1;
    for (let slot = hashOf(campaignCube, value) & mask; ; slot = (slot + 1) & mask) {
      const cell = (slots[slot] ?? 0) - 1;
      if (cell < 0) return this.#open(campaignCube, value);
      const row = cell * ROW_WORDS;
      if (rows[row + VALUE] === value && rows[row + CAMPAIGN_CUBE] === campaignCube) return cell;
    }
  }

  /**
   * The first of two looks for the cells of many keys, which begin at `from`: whatever is in their
   * slots goes into `cells`. Keys of many events are looked at before the second look at any, so that
   * the processor waits for memory once, not once for each.
   */
  lookAtSlots({ campaignCubes, values, cells }: CellKeys, from: number, end: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let key = from; key < end; key += 1) {
      const slot = hashOf(campaignCubes[key] ?? 0, values[key] ?? 0) & mask;
      cells[key] = (slots[slot] ?? 0) - 1;
    }
  }

  /** The second look: leaves in `cells` those that are the cells of their keys, or `NO_CELL`. */
  lookAtRows({ campaignCubes, values, cells }: CellKeys, from: number, end: number): void {
    const rows = this.#rows;
    for (let key = from; key < end; key += 1) {
      const cell = cells[key] ?? NO_CELL;
      // The first row stands for none. There is no jump here: it would be taken at random, and the
      // processor would wait for each row to know.
      const row = (cell & ~(cell >> 31)) * ROW_WORDS;
      const differing =
        ((rows[row + VALUE] ?? 0) ^ (values[key] ?? 0)) |
        ((rows[row + CAMPAIGN_CUBE] ?? 0) ^ (campaignCubes[key] ?? 0));
      cells[key] = cell | ((differing | -differing) >> 31);
    }
  }

  /** Raises a count, unsigned: 4 billion of one cell in one minute. */
  add(cell: number, count: number): void {
    const at = cell * ROW_WORDS + FIRST_COUNT + count;
    this.#rows[at] = ((this.#rows[at] ?? 0) + 1) | 0;
  }

  /** Exact for any sum that 63 bits hold. */
  addCost(cell: number, cost: HalvedMicros): void {
    const rows = this.#rows;
    const row = cell * ROW_WORDS;
    const lower = ((rows[row + COST_LOWER] ?? 0) >>> 0) + cost.lower;
    const carried = lower >= COST_HALF ? 1 : 0;
    rows[row + COST_UPPER] = ((rows[row + COST_UPPER] ?? 0) + cost.upper + carried) | 0;
    rows[row + COST_LOWER] = lower | 0;
  }

  /** Marks a cell as changed; whether it is the first time since the last hand-over. */
  markChanged(cell: number, record: number): boolean {
    const at = cell * ROW_WORDS + CHANGED_BY;
    const isFirst = this.#rows[at] === 0;
    this.#rows[at] = record;
    return isFirst;
  }

  /** Hands over: the record that changed the cell last. */
  takeChange(cell: number): number {
    const at = cell * ROW_WORDS + CHANGED_BY;
    const record = this.#rows[at] ?? 0;
    this.#rows[at] = 0;
    return record;
  }

  count(cell: number, count: number): number {
    return (this.#rows[cell * ROW_WORDS + FIRST_COUNT + count] ?? 0) >>> 0;
  }

  costMicros(cell: number): bigint {
    const row = cell * ROW_WORDS;
    const lower = (this.#rows[row + COST_LOWER] ?? 0) >>> 0;
    const upper = this.#rows[row + COST_UPPER] ?? 0;
    // One `bigint` instead of four, where a number is exact.
    if (Math.abs(upper) < EXACT_UPPER) return BigInt(upper * COST_HALF + lower);
    return (BigInt(upper) << COST_HALF_BITS) + BigInt(lower);
  }

  campaignCube(cell: number): number {
    return this.#rows[cell * ROW_WORDS + CAMPAIGN_CUBE] ?? 0;
  }

  value(cell: number): number {
    return this.#rows[cell * ROW_WORDS + VALUE] ?? 0;
  }

  #open(campaignCube: number, value: number): number {
    if ((this.#size + 1) * ROW_WORDS > this.#rows.length) this.#grow();
    const cell = this.#size;
    this.#rows[cell * ROW_WORDS + CAMPAIGN_CUBE] = campaignCube;
    this.#rows[cell * ROW_WORDS + VALUE] = value;
    this.#size += 1;
    this.#place(cell);
    return cell;
  }

  #place(cell: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = hashOf(this.campaignCube(cell), this.value(cell)) & mask;
    while (slots[slot] !== 0) slot = (slot + 1) & mask;
    slots[slot] = cell + 1;
  }

  #grow(): void {
    const rows = new Int32Array(2 * this.#rows.length);
    rows.set(this.#rows);
    this.#rows = rows;
    this.#slots = new Int32Array(2 * this.#slots.length);
    for (let cell = 0; cell < this.#size; cell += 1) this.#place(cell);
  }
}

/** Keys are small integers that no sender chooses, so this hash needs no secret. */
function hashOf(campaignCube: number, value: number): number {
  return mix(Math.imul(campaignCube, 0x9e3779b1) ^ value);
}

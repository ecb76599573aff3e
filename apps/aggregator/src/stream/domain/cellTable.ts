import { mix } from "./spanHash.ts";

const CELLS_MIN = 8;
/** Campaign with its cube, dimension value, cell + 1; 0 there marks a free slot. */
const SLOT_WORDS = 3;
/** By how much a cost's upper half outweighs its lower. */
const COST_HALF = 2 ** 32;
const COST_HALF_BITS = 32n;

/** The counts of a cell, by place. */
export const COUNT = {
  clicks: 0,
  invalidClicks: 1,
  duplicateClicks: 2,
  impressions: 3,
  conversions: 4,
} as const;
export const COUNTS = 5;

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

/** The cells of one window in columns, found by their keys as small integers. */
export class CellTable {
  #slots = new Int32Array(2 * CELLS_MIN * SLOT_WORDS);
  #size = 0;
  #capacity = CELLS_MIN;
  #keys = new Int32Array(2 * CELLS_MIN);
  #counts = new Float64Array(COUNTS * CELLS_MIN);
  #costs = new Float64Array(2 * CELLS_MIN);
  /** The record that changed the cell last, counted from the last hand-over; 0: none since. */
  #changedBy = new Int32Array(CELLS_MIN);

  get size(): number {
    return this.#size;
  }

  /** Bytes held. */
  get byteLength(): number {
    const columns = this.#keys.byteLength + this.#counts.byteLength + this.#costs.byteLength;
    return this.#slots.byteLength + columns + this.#changedBy.byteLength;
  }

  /** The cell with this key, opened when it is new. */
  cellAt(campaignCube: number, value: number): number {
    const slots = this.#slots;
    const length = slots.length;
    let at = this.#home(campaignCube, value);
    for (;;) {
      const held = slots[at + 2];
      if (held === 0) break;
      if (slots[at] === campaignCube && slots[at + 1] === value) return (held ?? 0) - 1;
      at += SLOT_WORDS;
      if (at === length) at = 0;
    }
    return this.#open(campaignCube, value);
  }

  add(cell: number, count: number): void {
    const at = COUNTS * cell + count;
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
  }

  /** Exact for any sum that 63 bits hold. */
  addCost(cell: number, cost: HalvedMicros): void {
    const costs = this.#costs;
    const at = 2 * cell;
    const lower = (costs[at + 1] ?? 0) + cost.lower;
    const carried = lower >= COST_HALF ? 1 : 0;
    costs[at] = (costs[at] ?? 0) + cost.upper + carried;
    costs[at + 1] = lower - carried * COST_HALF;
  }

  /** Marks a cell as changed; whether it is the first time since the last hand-over. */
  markChanged(cell: number, record: number): boolean {
    const isFirst = this.#changedBy[cell] === 0;
    this.#changedBy[cell] = record;
    return isFirst;
  }

  /** Hands over: the record that changed the cell last. */
  takeChange(cell: number): number {
    const record = this.#changedBy[cell] ?? 0;
    this.#changedBy[cell] = 0;
    return record;
  }

  count(cell: number, count: number): number {
    return this.#counts[COUNTS * cell + count] ?? 0;
  }

  costMicros(cell: number): bigint {
    const upper = BigInt(this.#costs[2 * cell] ?? 0) << COST_HALF_BITS;
    return upper + BigInt(this.#costs[2 * cell + 1] ?? 0);
  }

  campaignCube(cell: number): number {
    return this.#keys[2 * cell] ?? 0;
  }

  value(cell: number): number {
    return this.#keys[2 * cell + 1] ?? 0;
  }

  /** Keys are small integers that no sender chooses, so this hash needs no secret. */
  #home(campaignCube: number, value: number): number {
    const hash = mix(Math.imul(campaignCube, 0x9e3779b1) ^ value);
    return (hash & (this.#slots.length / SLOT_WORDS - 1)) * SLOT_WORDS;
  }

  #open(campaignCube: number, value: number): number {
    if (this.#size === this.#capacity) this.#grow();
    const cell = this.#size;
    this.#keys[2 * cell] = campaignCube;
    this.#keys[2 * cell + 1] = value;
    this.#size += 1;
    this.#place(cell);
    return cell;
  }

  #place(cell: number): void {
    const slots = this.#slots;
    const campaignCube = this.campaignCube(cell);
    const value = this.value(cell);
    let at = this.#home(campaignCube, value);
    while (slots[at + 2] !== 0) at = at + SLOT_WORDS === slots.length ? 0 : at + SLOT_WORDS;
    slots[at] = campaignCube;
    slots[at + 1] = value;
    slots[at + 2] = cell + 1;
  }

  #grow(): void {
    this.#capacity *= 2;
    const { keys, counts, costs, changedBy } = {
      keys: this.#keys,
      counts: this.#counts,
      costs: this.#costs,
      changedBy: this.#changedBy,
    };
    this.#keys = new Int32Array(2 * this.#capacity);
    this.#counts = new Float64Array(COUNTS * this.#capacity);
    this.#costs = new Float64Array(2 * this.#capacity);
    this.#changedBy = new Int32Array(this.#capacity);
    this.#keys.set(keys);
    this.#counts.set(counts);
    this.#costs.set(costs);
    this.#changedBy.set(changedBy);
    this.#slots = new Int32Array(2 * this.#capacity * SLOT_WORDS);
    for (let cell = 0; cell < this.#size; cell += 1) this.#place(cell);
  }
}

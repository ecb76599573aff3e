import { mix } from "./spanHash.ts";

const CELLS_MIN = 8;
/** Of a table's places, the share that may be taken: five of eight. */
const TAKEN_EIGHTHS_MAX = 5;
/** By how much a cost's upper half outweighs its lower. */
const COST_HALF = 2 ** 32;
const COST_HALF_BITS = 32n;
const EXACT_UPPER = 2 ** 20;

/** The counts of a cell, by place: first those that most cells have. */
export const COUNT = {
  clicks: 0,
  impressions: 1,
  invalidClicks: 2,
  duplicateClicks: 3,
  conversions: 4,
  /** Invalid clicks that are GIVT; not among `invalidClicks`, so that an event raises one count. */
  givtClicks: 5,
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

/**
 * A row: its key, the first word of it plus 1, so that 0 marks a free place; the record that changed
 * it last; the counts that most cells have; where its other counts are, 0 for none; and its cost in
 * two halves. Half a line of the processor's caches.
 */
const ROW_WORDS = 8;
const CAMPAIGN_CUBE = 0;
const VALUE = 1;
const CHANGED_BY = 2;
const FIRST_COUNT = 3;
const RARE = 5;
const COST_UPPER = 6;
const COST_LOWER = 7;
/** Of a row; the others lie in rows of their own. */
const ROW_COUNTS = 2;
const RARE_COUNTS = Object.keys(COUNT).length - ROW_COUNTS;
const RARE_ROWS_MIN = 4;

/** Words of a cell that is handed over: its row, and its other counts. */
const HANDED_WORDS = ROW_WORDS + RARE_COUNTS;

/** Keys of cells, by place, and what `lookAhead` made of them. */
export interface CellKeys {
  readonly campaignCubes: Int32Array;
  readonly values: Int32Array;
  readonly hashes: Int32Array;
  /** Means nothing: it is put down so that looking is not optimised away. */
  readonly seen: Int32Array;
}

/** What an event adds to each of its cells. */
export interface Raise {
  /** Which count, by its place in `COUNT`. */
  count: number;
  cost: HalvedMicros | null;
  /** What marks the cells as changed; 0 leaves them as they are. */
  record: number;
}

/**
 * The cells of one window, found by their keys as small integers. The rows are the table (open
 * addressing), so that a cell that is looked for is found in one line of memory; places follow the
 * high bits of the hash, so that growing reads and writes memory in order.
 */
export class CellTable {
  #rows = new Int32Array(CELLS_MIN * ROW_WORDS);
  /** What is left of a hash is a place. */
  #shift = 32 - Math.log2(CELLS_MIN);
  #size = 0;
  /** Counts that few cells have, in rows; none begins at 0. */
  #rare = new Int32Array(RARE_ROWS_MIN * RARE_COUNTS);
  #rareEnd = RARE_COUNTS;
  /** Where the rows begin that were changed since they were last handed over. */
  #changed = new Int32Array(CELLS_MIN);
  #changes = 0;

  get size(): number {
    return this.#size;
  }

  /** How many cells were changed since they were last handed over. */
  get changes(): number {
    return this.#changes;
  }

  /** Bytes held. */
  get byteLength(): number {
    return this.#rows.byteLength + this.#rare.byteLength + this.#changed.byteLength;
  }

  /**
   * Looks where cells may be, those of the keys in `[from, end)`, for many events before the first of
   * them is counted: so the processor waits for memory once, not once for each.
   */
  lookAhead({ campaignCubes, values, hashes, seen }: CellKeys, from: number, end: number): void {
    const rows = this.#rows;
    const shift = this.#shift;
    for (let key = from; key < end; key += 1) {
      const hash = hashOf(campaignCubes[key] ?? 0, values[key] ?? 0);
      hashes[key] = hash;
      seen[key] = rows[(hash >>> shift) * ROW_WORDS] ?? 0;
    }
  }

  /** Raises a count, and adds a cost, in each cell of the keys in `[from, end)`; opens new ones. */
  raise(keys: CellKeys, from: number, end: number, { count, cost, record }: Raise): void {
    const { campaignCubes, values, hashes } = keys;
    for (let key = from; key < end; key += 1) {
      const row = this.#rowOf(hashes[key] ?? 0, campaignCubes[key] ?? 0, values[key] ?? 0);
      const rows = this.#rows;
      if (count < ROW_COUNTS) {
        const at = row + FIRST_COUNT + count;
        // Unsigned: 4 billion of one cell in one minute.
        rows[at] = ((rows[at] ?? 0) + 1) | 0;
      } else this.#raiseRare(row, count - ROW_COUNTS);
      if (cost !== null) addCost(rows, row, cost);
      if (record === 0) continue;
      if (rows[row + CHANGED_BY] === 0) this.#noteChange(row);
      rows[row + CHANGED_BY] = record;
    }
  }

  /** Hands over the cells that were changed, as they are now. */
  takeChanges(): HandedCells {
    const taken = new Int32Array(this.#changes * HANDED_WORDS);
    const rows = this.#rows;
    let to = 0;
    for (let change = 0; change < this.#changes; change += 1) {
      const row = this.#changed[change] ?? 0;
      for (let word = 0; word < ROW_WORDS; word += 1) taken[to + word] = rows[row + word] ?? 0;
      const rare = rows[row + RARE] ?? 0;
      if (rare !== 0) {
        for (let word = 0; word < RARE_COUNTS; word += 1) {
          taken[to + ROW_WORDS + word] = this.#rare[rare + word] ?? 0;
        }
      }
      rows[row + CHANGED_BY] = 0;
      to += HANDED_WORDS;
    }
    this.#changes = 0;
    return new HandedCells(taken);
  }

  /** Where the cell's row begins, opened when it is new. */
  #rowOf(hash: number, campaignCube: number, value: number): number {
    const rows = this.#rows;
    const mask = rows.length - 1;
    for (let row = (hash >>> this.#shift) * ROW_WORDS; ; row = (row + ROW_WORDS) & mask) {
      const held = rows[row + CAMPAIGN_CUBE] ?? 0;
      if (held === campaignCube + 1 && rows[row + VALUE] === value) return row;
      if (held === 0) return this.#open(row, hash, campaignCube, value);
    }
  }

  #open(free: number, hash: number, campaignCube: number, value: number): number {
    const isFull = 8 * (this.#size + 1) * ROW_WORDS > TAKEN_EIGHTHS_MAX * this.#rows.length;
    if (isFull) this.#grow();
    const row = isFull ? freeFor(this.#rows, hash >>> this.#shift) : free;
    this.#rows[row + CAMPAIGN_CUBE] = campaignCube + 1;
    this.#rows[row + VALUE] = value;
    this.#size += 1;
    return row;
  }

  #raiseRare(row: number, count: number): void {
    let rare = this.#rows[row + RARE] ?? 0;
    if (rare === 0) {
      rare = this.#rareEnd;
      this.#rareEnd += RARE_COUNTS;
      if (this.#rareEnd > this.#rare.length) this.#rare = doubled(this.#rare);
      this.#rows[row + RARE] = rare;
    }
    this.#rare[rare + count] = ((this.#rare[rare + count] ?? 0) + 1) | 0;
  }

  #noteChange(row: number): void {
    if (this.#changes === this.#changed.length) this.#changed = doubled(this.#changed);
    this.#changed[this.#changes] = row;
    this.#changes += 1;
  }

  /** Rows that were changed have other places then, and are noted anew. */
  #grow(): void {
    const old = this.#rows;
    const rows = new Int32Array(2 * old.length);
    this.#rows = rows;
    this.#shift -= 1;
    this.#changes = 0;
    for (let from = 0; from < old.length; from += ROW_WORDS) {
      const held = old[from + CAMPAIGN_CUBE] ?? 0;
      if (held === 0) continue;
      const to = freeFor(rows, hashOf(held - 1, old[from + VALUE] ?? 0) >>> this.#shift);
      for (let word = 0; word < ROW_WORDS; word += 1) rows[to + word] = old[from + word] ?? 0;
      if (rows[to + CHANGED_BY] !== 0) this.#noteChange(to);
    }
  }
}

/** Cells as they were when they were handed over, by place. */
export class HandedCells {
  readonly #words: Int32Array;

  /** @param words What `takeChanges` gives. */
  constructor(words: Int32Array) {
    this.#words = words;
  }

  get length(): number {
    return this.#words.length / HANDED_WORDS;
  }

  campaignCube(cell: number): number {
    return this.#word(cell, CAMPAIGN_CUBE) - 1;
  }

  value(cell: number): number {
    return this.#word(cell, VALUE);
  }

  /** The record that changed it last. */
  record(cell: number): number {
    return this.#word(cell, CHANGED_BY);
  }

  /** @param count By its place in `COUNT`. */
  count(cell: number, count: number): number {
    const isRare = count >= ROW_COUNTS;
    const at = isRare ? ROW_WORDS + count - ROW_COUNTS : FIRST_COUNT + count;
    return this.#word(cell, at) >>> 0;
  }

  costMicros(cell: number): bigint {
    const lower = this.#word(cell, COST_LOWER) >>> 0;
    const upper = this.#word(cell, COST_UPPER);
    // One `bigint` instead of four, where a number is exact.
    if (Math.abs(upper) < EXACT_UPPER) return BigInt(upper * COST_HALF + lower);
    return (BigInt(upper) << COST_HALF_BITS) + BigInt(lower);
  }

  #word(cell: number, word: number): number {
    return this.#words[cell * HANDED_WORDS + word] ?? 0;
  }
}

/** Exact for any sum that 63 bits hold. */
function addCost(rows: Int32Array, row: number, cost: HalvedMicros): void {
  const lower = ((rows[row + COST_LOWER] ?? 0) >>> 0) + cost.lower;
  const carried = lower >= COST_HALF ? 1 : 0;
  rows[row + COST_UPPER] = ((rows[row + COST_UPPER] ?? 0) + cost.upper + carried) | 0;
  rows[row + COST_LOWER] = lower | 0;
}

/** Where the first free row begins, from a place on. */
function freeFor(rows: Int32Array, place: number): number {
  const mask = rows.length - 1;
  let row = place * ROW_WORDS;
  while (rows[row + CAMPAIGN_CUBE] !== 0) row = (row + ROW_WORDS) & mask;
  return row;
}

function doubled(words: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(2 * words.length);
  larger.set(words);
  return larger;
}

/** Keys are small integers that no sender chooses, so this hash needs no secret. */
function hashOf(campaignCube: number, value: number): number {
  return mix(Math.imul(campaignCube, 0x9e3779b1) ^ value);
}

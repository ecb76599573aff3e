import { ID_WORDS } from "./idGroup.ts";
import {
  DIRECTORY_BITS_MAX,
  FIRST_LINES_MAX,
  FIRST_TABLE_AT,
  ID_BYTES,
  LINE_SLOTS,
  LOG_PAGE_BITS,
  LOG_PAGE_IDS,
  LOG_PAGES_AT,
  LOG_PAGES_MAX,
  NOOK_BYTES,
  NOOK_DIRECTORY_AT,
  NOOK_LINES,
  NOOK_LOG_AT,
  NOOK_LOG_PAGES_AT,
  PAGE_BYTES,
  TABLE_LINES,
} from "./idSetLayout.ts";
import type { IdStore } from "./idStore.ts";

const WORD_BITS = 32;
const WORD_BYTES = Int32Array.BYTES_PER_ELEMENT;
const HALF_BYTES = Uint16Array.BYTES_PER_ELEMENT;

/** Lines behind its own in which an id may lie; a table that has no room for one there is divided. */
const DISTANCE_MAX = 8;

/** Bits of a slot that are a place in the log; more as the log grows. The others are of the id. */
const PLACE_BITS_MIN = 16;

/**
 * The ids of one window, each as 104 bits of a keyed hash, with 23 bits of what its first event
 * said. They lie one behind the other in a log, 16 bytes each; where, is said by tables of words.
 *
 * A table that is full is divided by one more bit of the hash (extendible hashing, Fagin et al. 1979), so that no
 * growth copies more than a table, and none needs twice the memory.
 */
export class IdSet {
  /** The memory that it lies in. */
  readonly store: IdStore;
  /** Where the set begins, in bytes: a nook, or a page. */
  #base: number;
  #isInNook = true;
  /** Pages of the log. In a nook, the one that the nook is of. */
  #logPages: number[];
  /** Whole tables, and how many bits of a hash each looks at: its ids' hashes all begin with the same. */
  readonly #bitsOfTables = new Map<number, number>();
  /** Bits of a hash that the directory looks at; one at least, since a word is not shifted by 32. */
  #bits = 1;
  /** Places in the log: before the first id, and of the last. The place 0 stands for none. */
  #beforeFirst: number;
  #last: number;
  /** Lines of a table. As long as there is one, it grows. */
  #lines = 1;
  #placeBits = PLACE_BITS_MIN;
  #distanceMax = DISTANCE_MAX;
  #isGivenBack = false;

  constructor(store: IdStore) {
    this.store = store;
    this.#base = store.takeNook() * NOOK_BYTES;
    const page = Math.floor(this.#base / PAGE_BYTES);
    this.#logPages = [page];
    this.#beforeFirst = ((this.#base % PAGE_BYTES) + NOOK_LOG_AT) / ID_BYTES - 1;
    this.#last = this.#beforeFirst;
    store.halves[this.#logPagesAt / HALF_BYTES] = page;
    this.#pointAll(page);
    this.#onlyTable().fill(0);
  }

  get size(): number {
    return this.#last - this.#beforeFirst;
  }

  /** Bytes held. */
  get byteLength(): number {
    if (this.#isInNook) return NOOK_BYTES;
    return (1 + this.#logPages.length + this.#bitsOfTables.size) * PAGE_BYTES;
  }

  /**
   * Admits the first `count` ids that are listed in the group, in order, and puts into its answers whether
   * each is here for the first time, with the same payload, or with another.
   *
   * @throws {RangeError} when the set is full, or was given back.
   */
  admit(count: number): void {
    if (this.#isGivenBack) throw new RangeError("The set was given back");
    const { group } = this.store;
    const { listed } = group;
    for (let left = count; left > 0; ) {
      this.#makeRoomInLog(left);
      this.#last = this.store.admit(
        this.#directoryAt,
        this.#logPagesAt,
        left,
        WORD_BITS - this.#bits,
        this.#onlyTableAt % PAGE_BYTES,
        this.#lines - 1,
        this.#placeMask,
        this.#last,
        this.#distanceMax,
      );
      const { done } = group;
      left -= done;
      if (left === 0) return;
      listed.copyWithin(0, done, done + left);
      this.#makeRoom(group.words[ID_WORDS * (listed[0] ?? 0)] ?? 0);
    }
  }

  /** Lets go of all ids. Nothing is admitted any more. */
  giveBack(): void {
    if (this.#isGivenBack) return;
    this.#isGivenBack = true;
    if (this.#isInNook) {
      this.store.giveNookBack(this.#base / NOOK_BYTES);
      return;
    }
    const pages = [this.#base / PAGE_BYTES, ...this.#logPages, ...this.#bitsOfTables.keys()];
    this.store.giveBack(pages);
  }

  get #directoryAt(): number {
    return this.#base + (this.#isInNook ? NOOK_DIRECTORY_AT : 0);
  }

  get #logPagesAt(): number {
    return this.#base + (this.#isInNook ? NOOK_LOG_PAGES_AT : LOG_PAGES_AT);
  }

  /** Of the table that is the only one, until it is whole; whole ones begin where their pages do. */
  get #onlyTableAt(): number {
    if (this.#isInNook) return this.#base;
    return this.#lines < TABLE_LINES ? this.#base + FIRST_TABLE_AT : 0;
  }

  get #placeMask(): number {
    return 2 ** this.#placeBits - 1;
  }

  #makeRoomInLog(ids: number): void {
    const isFull = (this.size + ids) * ID_BYTES > NOOK_DIRECTORY_AT - NOOK_LOG_AT;
    if (this.#isInNook && isFull) this.#leaveNook();
    const last = this.#last + ids;
    while (last >= this.#logPages.length * LOG_PAGE_IDS) this.#addLogPage();
    if (last >= 2 ** this.#placeBits) this.#takeBitOfTags();
  }

  #addLogPage(): void {
    const pages = this.#logPages.length;
    if (pages === LOG_PAGES_MAX) throw new RangeError("A window has more ids than a set takes");
    const page = this.store.take();
    this.#logPages.push(page);
    this.store.halves[this.#logPagesAt / HALF_BYTES + pages] = page;
  }

  /** Moves to pages of its own. */
  #leaveNook(): void {
    const { size } = this;
    const nook = this.#base / NOOK_BYTES;
    const from = this.#inLog(this.#beforeFirst + 1);
    this.#base = this.store.take() * PAGE_BYTES;
    this.#isInNook = false;
    this.#logPages = [];
    this.#addLogPage();
    this.#beforeFirst = 0;
    this.#last = size;
    this.store.words.copyWithin(this.#inLog(1), from, from + ID_WORDS * size);
    this.store.giveNookBack(nook);
    this.#lines = NOOK_LINES;
    this.#pointAll(this.#base / PAGE_BYTES);
    this.#fill(this.#onlyTable());
  }

  /** One more bit for places. So many ids have tables that are whole. */
  #takeBitOfTags(): void {
    const others = ~(1 << this.#placeBits);
    for (const page of this.#bitsOfTables.keys()) {
      const slots = this.#table(page);
      for (let at = 0; at < slots.length; at += 1) slots[at] = (slots[at] ?? 0) & others;
    }
    this.#placeBits += 1;
  }

  #makeRoom(word0: number): void {
    if (this.#lines < TABLE_LINES) {
      this.#growOnly();
      return;
    }
    const entry = word0 >>> (WORD_BITS - this.#bits);
    const page = this.store.halves[this.#base / HALF_BYTES + entry] ?? 0;
    const before = this.#bitsOfTables.get(page) ?? 0;
    if (before < DIRECTORY_BITS_MAX) this.#divide(page, before, word0);
    else if (this.#distanceMax < TABLE_LINES) this.#distanceMax = TABLE_LINES;
    else throw new RangeError("Too many ids begin with the same bits");
  }

  #growOnly(): void {
    if (this.#isInNook && this.#lines === NOOK_LINES) {
      this.#leaveNook();
      return;
    }
    this.#lines = this.#lines < FIRST_LINES_MAX ? 2 * this.#lines : TABLE_LINES;
    if (this.#lines < TABLE_LINES) {
      this.#fill(this.#onlyTable());
      return;
    }
    const page = this.store.take();
    this.#bitsOfTables.set(page, 0);
    this.#pointAll(page);
    this.#fill(this.#table(page));
  }

  /** Lets all of the directory, as long as it looks at one bit, lead to a page. */
  #pointAll(page: number): void {
    const at = this.#directoryAt / HALF_BYTES;
    this.store.halves.fill(page, at, at + 2);
  }

  #onlyTable(): Int32Array {
    const at = this.#onlyTableAt / WORD_BYTES;
    return this.store.words.subarray(at, at + this.#lines * LINE_SLOTS);
  }

  /** Puts all ids into the only table. */
  #fill(slots: Int32Array): void {
    const { words } = this.store;
    slots.fill(0);
    for (let place = this.#beforeFirst + 1; place <= this.#last; place += 1) {
      const at = this.#inLog(place);
      put(slots, words[at] ?? 0, ((words[at + 1] ?? 0) & ~this.#placeMask) | place);
    }
  }

  /** Two tables in the place of one, by the first bit of the hashes that it did not look at. */
  #divide(page: number, before: number, word0: number): void {
    const ones = this.store.take();
    const at = this.#base / HALF_BYTES;
    const directory = this.store.halves.subarray(at, at + 2 ** DIRECTORY_BITS_MAX);
    if (before === this.#bits) {
      for (let entry = 2 ** this.#bits - 1; entry >= 0; entry -= 1) {
        directory.fill(directory[entry] ?? 0, 2 * entry, 2 * entry + 2);
      }
      this.#bits += 1;
    }
    const bits = before + 1;
    this.#bitsOfTables.set(page, bits);
    this.#bitsOfTables.set(ones, bits);
    const spread = 2 ** (this.#bits - bits);
    const first = ((word0 >>> (WORD_BITS - bits)) | 1) * spread;
    directory.fill(ones, first, first + spread);
    this.#distribute(page, ones, WORD_BITS - bits);
  }

  #distribute(page: number, onesPage: number, bit: number): void {
    const { group, words } = this.store;
    const [zerosAt, onesAt] = [page * PAGE_BYTES, onesPage * PAGE_BYTES];
    const aside = this.store.divide(this.#logPagesAt, zerosAt, onesAt, bit, this.#placeMask);
    const [zeros, ones] = [this.#table(page), this.#table(onesPage)];
    for (let at = 0; at < aside; at += 1) {
      const slot = group.aside[at] ?? 0;
      const word0 = words[this.#inLog(slot & this.#placeMask)] ?? 0;
      put(((word0 >>> bit) & 1) === 0 ? zeros : ones, word0, slot);
    }
  }

  #table(page: number): Int32Array {
    const at = (page * PAGE_BYTES) / WORD_BYTES;
    return this.store.words.subarray(at, at + PAGE_BYTES / WORD_BYTES);
  }

  /** Where the words of an id begin in the store. */
  #inLog(place: number): number {
    const page = this.#logPages[place >>> LOG_PAGE_BITS] ?? 0;
    return (page * PAGE_BYTES) / WORD_BYTES + (place & (LOG_PAGE_IDS - 1)) * ID_WORDS;
  }
}

/** Puts a slot into the first free one from its line on. */
function put(slots: Int32Array, word0: number, slot: number): void {
  const mask = slots.length - 1;
  let at = (word0 * LINE_SLOTS) & mask;
  while (slots[at] !== 0) at = (at + 1) & mask;
  slots[at] = slot;
}

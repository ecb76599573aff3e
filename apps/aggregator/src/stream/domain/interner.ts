import { wordAt } from "./spanHash.ts";

/** What `find` answers for text that is not there. */
export const NOT_INTERNED = -1;

const SLOTS_MIN = 64;
/** Of a slot: the hash, so that only likely texts are looked up, and the entry + 1; 0 is free. */
const SLOT_WORDS = 2;
/** Where a text begins in the arena, and its length. */
const ENTRY_WORDS = 2;
const ARENA_BYTES_MIN = 512;
/** Behind the last text, so that words may be read over its end. */
const ARENA_SLACK_BYTES = 4;

const utf8 = new TextDecoder();

/**
 * Text as small integers, from 0 in the order of arrival. Compares bytes, so two are never taken
 * for one another, whatever their hashes.
 */
export class Interner {
  #slots = new Int32Array(SLOTS_MIN * SLOT_WORDS);
  #entries = new Int32Array((SLOTS_MIN / 2) * ENTRY_WORDS);
  #arena = new Uint8Array(ARENA_BYTES_MIN);
  #arenaView = new DataView(this.#arena.buffer);
  #arenaEnd = 0;
  #size = 0;
  readonly #texts: (string | undefined)[] = [];

  get size(): number {
    return this.#size;
  }

  /** Bytes held, but for the texts that were asked for. */
  get byteLength(): number {
    return this.#slots.byteLength + this.#entries.byteLength + this.#arena.byteLength;
  }

  /** The integer of the bytes of `[start, end)`, which have that hash; `NOT_INTERNED` if none. */
  find(view: DataView, start: number, end: number, hash: number): number {
    const slots = this.#slots;
    const mask = slots.length / SLOT_WORDS - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const entry = (slots[slot * SLOT_WORDS + 1] ?? 0) - 1;
      if (entry === NOT_INTERNED) return NOT_INTERNED;
      if (slots[slot * SLOT_WORDS] === hash && this.#isAt(entry, view, start, end)) return entry;
    }
  }

  /** As `find`, but takes the text in when it is new. */
  intern(view: DataView, start: number, end: number, hash: number): number {
    const found = this.find(view, start, end, hash);
    return found === NOT_INTERNED ? this.#add(view, start, end, hash) : found;
  }

  /** The text of an integer. Kept, since whoever asks once asks again. */
  text(entry: number): string {
    const known = this.#texts[entry];
    if (known !== undefined) return known;
    const from = this.#startOf(entry);
    const text = utf8.decode(this.#arena.subarray(from, from + this.#lengthOf(entry)));
    this.#texts[entry] = text;
    return text;
  }

  #startOf(entry: number): number {
    return this.#entries[entry * ENTRY_WORDS] ?? 0;
  }

  #lengthOf(entry: number): number {
    return this.#entries[entry * ENTRY_WORDS + 1] ?? 0;
  }

  /** Compares words, the last of them as far as the text goes: see `wordAt`. */
  #isAt(entry: number, view: DataView, start: number, end: number): boolean {
    const from = this.#startOf(entry) - start;
    if (this.#lengthOf(entry) !== end - start) return false;
    const arena = this.#arenaView;
    for (let at = start; at < end; at += 4) {
      if (wordAt(arena, from + at, from + end) !== wordAt(view, at, end)) return false;
    }
    return true;
  }

  #add(view: DataView, start: number, end: number, hash: number): number {
    const entry = this.#size;
    if (2 * (entry + 1) * SLOT_WORDS > this.#slots.length) this.#growSlots();
    while (this.#arenaEnd + end - start + ARENA_SLACK_BYTES > this.#arena.length) this.#growArena();
    this.#entries[entry * ENTRY_WORDS] = this.#arenaEnd;
    this.#entries[entry * ENTRY_WORDS + 1] = end - start;
    for (let from = start; from < end; from += 1) {
      this.#arena[this.#arenaEnd] = view.getUint8(from);
      this.#arenaEnd += 1;
    }
    this.#size += 1;
    place(this.#slots, hash, entry + 1);
    return entry;
  }

  #growSlots(): void {
    const old = this.#slots;
    this.#slots = new Int32Array(2 * old.length);
    for (let at = 0; at < old.length; at += SLOT_WORDS) {
      const occupant = old[at + 1] ?? 0;
      if (occupant !== 0) place(this.#slots, old[at] ?? 0, occupant);
    }
    const entries = new Int32Array(2 * this.#entries.length);
    entries.set(this.#entries);
    this.#entries = entries;
  }

  #growArena(): void {
    const arena = new Uint8Array(2 * this.#arena.length);
    arena.set(this.#arena);
    this.#arena = arena;
    this.#arenaView = new DataView(arena.buffer);
  }
}

function place(slots: Int32Array, hash: number, occupant: number): void {
  const mask = slots.length / SLOT_WORDS - 1;
  let slot = hash & mask;
  while (slots[slot * SLOT_WORDS + 1] !== 0) slot = (slot + 1) & mask;
  slots[slot * SLOT_WORDS] = hash;
  slots[slot * SLOT_WORDS + 1] = occupant;
}

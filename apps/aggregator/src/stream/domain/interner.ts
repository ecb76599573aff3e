/** What `find` answers for text that is not there. */
export const NOT_INTERNED = -1;

const SLOTS_MIN = 64;
const ENTRY_WORDS = 3;
const ARENA_BYTES_MIN = 512;

const utf8 = new TextDecoder();

/**
 * Text as small integers, from 0 in the order of arrival. Compares bytes, so two are never taken
 * for one another, whatever their hashes.
 */
export class Interner {
  /** Entry + 1 by slot; 0 marks a free one. */
  #slots = new Int32Array(SLOTS_MIN);
  /** Hash, start and end of each entry. */
  #entries = new Int32Array(SLOTS_MIN * ENTRY_WORDS);
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
    const mask = slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const entry = (slots[slot] ?? 0) - 1;
      if (entry === NOT_INTERNED) return NOT_INTERNED;
      if (this.#entries[entry * ENTRY_WORDS] === hash && this.#isAt(entry, view, start, end)) {
        return entry;
      }
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
    const text = utf8.decode(this.#arena.subarray(this.#startOf(entry), this.#endOf(entry)));
    this.#texts[entry] = text;
    return text;
  }

  #startOf(entry: number): number {
    return this.#entries[entry * ENTRY_WORDS + 1] ?? 0;
  }

  #endOf(entry: number): number {
    return this.#entries[entry * ENTRY_WORDS + 2] ?? 0;
  }

  #isAt(entry: number, view: DataView, start: number, end: number): boolean {
    const from = this.#startOf(entry);
    const length = end - start;
    if (this.#endOf(entry) - from !== length) return false;
    const arena = this.#arenaView;
    let at = 0;
    for (; at + 4 <= length; at += 4) {
      if (arena.getInt32(from + at) !== view.getInt32(start + at)) return false;
    }
    for (; at < length; at += 1) {
      if (arena.getUint8(from + at) !== view.getUint8(start + at)) return false;
    }
    return true;
  }

  #add(view: DataView, start: number, end: number, hash: number): number {
    const entry = this.#size;
    if (2 * (entry + 1) > this.#slots.length) this.#growSlots();
    while (this.#arenaEnd + end - start > this.#arena.length) this.#growArena();
    const at = entry * ENTRY_WORDS;
    this.#entries[at] = hash;
    this.#entries[at + 1] = this.#arenaEnd;
    for (let from = start; from < end; from += 1) {
      this.#arena[this.#arenaEnd] = view.getUint8(from);
      this.#arenaEnd += 1;
    }
    this.#entries[at + 2] = this.#arenaEnd;
    this.#size += 1;
    this.#place(entry);
    return entry;
  }

  #place(entry: number): void {
    const mask = this.#slots.length - 1;
    let slot = (this.#entries[entry * ENTRY_WORDS] ?? 0) & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = entry + 1;
  }

  #growSlots(): void {
    const length = 2 * this.#slots.length;
    this.#slots = new Int32Array(length);
    const entries = new Int32Array(length * ENTRY_WORDS);
    entries.set(this.#entries);
    this.#entries = entries;
    for (let entry = 0; entry < this.#size; entry += 1) this.#place(entry);
  }

  #growArena(): void {
    const arena = new Uint8Array(2 * this.#arena.length);
    arena.set(this.#arena);
    this.#arena = arena;
    this.#arenaView = new DataView(arena.buffer);
  }
}

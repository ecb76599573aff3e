import { type HashedText, HEAD_BYTES } from "./hashedText.ts";
import { wordAt } from "./spanHash.ts";

/** What `find` answers for text that is not there. */
export const NOT_INTERNED = -1;

const SLOTS_MIN = 64;
/**
 * Of a slot: the hash, the entry + 1 (0 is free), the length and the text's first 16 bytes, so that most
 * texts are found in one line of memory. The last word is not used.
 */
const SLOT_SHIFT = 3;
const SLOT_WORDS = 1 << SLOT_SHIFT;
const OCCUPANT = 1;
const LENGTH = 2;
const HEAD = 3;
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

  /**
   * Looks where a text of that hash may be, for many before the first of them is found: so the processor
   * waits for memory once, not once for each. What it answers means nothing.
   */
  look(hash: number): number {
    const slots = this.#slots;
    return slots[(hash << SLOT_SHIFT) & (slots.length - SLOT_WORDS)] ?? 0;
  }

  /** The integer of a text that was read from that view; `NOT_INTERNED` if it has none. */
  find(view: DataView, text: HashedText): number {
    const slots = this.#slots;
    const { hash, length, word0, word1, word2, word3 } = text;
    const mask = slots.length - SLOT_WORDS;
    for (let at = (hash << SLOT_SHIFT) & mask; ; at = (at + SLOT_WORDS) & mask) {
      const entry = (slots[at + OCCUPANT] ?? 0) - 1;
      if (entry === NOT_INTERNED) return NOT_INTERNED;
      if (
        slots[at] === hash &&
        slots[at + LENGTH] === length &&
        slots[at + HEAD] === word0 &&
        slots[at + HEAD + 1] === word1 &&
        slots[at + HEAD + 2] === word2 &&
        slots[at + HEAD + 3] === word3 &&
        (length <= HEAD_BYTES || this.#isTailAt(entry, view, text))
      ) {
        return entry;
      }
    }
  }

  /** As `find`, but takes the text in when it is new. */
  intern(view: DataView, text: HashedText): number {
    const found = this.find(view, text);
    return found === NOT_INTERNED ? this.#add(view, text) : found;
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

  /** Compares what lies behind the head in words, the last of them as far as the text goes. */
  #isTailAt(entry: number, view: DataView, { start, length }: HashedText): boolean {
    const from = this.#startOf(entry) - start;
    const end = start + length;
    const arena = this.#arenaView;
    for (let at = start + HEAD_BYTES; at < end; at += 4) {
      if (wordAt(arena, from + at, from + end) !== wordAt(view, at, end)) return false;
    }
    return true;
  }

  #add(view: DataView, text: HashedText): number {
    const { start, length } = text;
    const entry = this.#size;
    if (2 * (entry + 1) * SLOT_WORDS > this.#slots.length) this.#growSlots();
    while (this.#arenaEnd + length + ARENA_SLACK_BYTES > this.#arena.length) this.#growArena();
    this.#entries[entry * ENTRY_WORDS] = this.#arenaEnd;
    this.#entries[entry * ENTRY_WORDS + 1] = length;
    for (let from = start; from < start + length; from += 1) {
      this.#arena[this.#arenaEnd] = view.getUint8(from);
      this.#arenaEnd += 1;
    }
    this.#size += 1;
    const slots = this.#slots;
    const at = freeFor(slots, text.hash);
    slots[at] = text.hash;
    slots[at + OCCUPANT] = entry + 1;
    slots[at + LENGTH] = length;
    slots[at + HEAD] = text.word0;
    slots[at + HEAD + 1] = text.word1;
    slots[at + HEAD + 2] = text.word2;
    slots[at + HEAD + 3] = text.word3;
    return entry;
  }

  #growSlots(): void {
    const old = this.#slots;
    const slots = new Int32Array(2 * old.length);
    this.#slots = slots;
    for (let from = 0; from < old.length; from += SLOT_WORDS) {
      if (old[from + OCCUPANT] === 0) continue;
      const at = freeFor(slots, old[from] ?? 0);
      for (let word = 0; word < SLOT_WORDS; word += 1) slots[at + word] = old[from + word] ?? 0;
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

function freeFor(slots: Int32Array, hash: number): number {
  const mask = slots.length - SLOT_WORDS;
  let at = (hash << SLOT_SHIFT) & mask;
  while (slots[at + OCCUPANT] !== 0) at = (at + SLOT_WORDS) & mask;
  return at;
}

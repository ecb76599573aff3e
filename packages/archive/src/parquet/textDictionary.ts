import { ByteBuffer } from "./byteBuffer.ts";
import { uint32s } from "./numbers.ts";

/** Past this many values a column is not one of few. */
const ENTRIES_MAX = 16_384;
/** Longest chain looked along; values are chosen outside, perhaps so that all fall on one place. */
const PROBES_MAX = 32;
const SLOTS_FIRST = 64;
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** Byte strings, each once, numbered in the order in which they first came. */
export class TextDictionary {
  readonly #values = new ByteBuffer();
  /** Where each entry's bytes start, behind their length. */
  readonly #starts = uint32s();
  readonly #ends = uint32s();
  readonly #hashes = uint32s();
  /** Entry + 1 by hash; 0 is free. */
  #slots = new Uint32Array(SLOTS_FIRST);
  #last = 0;

  get size(): number {
    return this.#starts.length;
  }

  /** The number of a value, new or known; null when it is one too many. */
  indexOf(source: Buffer, start: number, end: number): number | null {
    if (this.size > 0 && this.#equals(this.#last, source, start, end)) return this.#last;
    const hash = hashOf(source, start, end);
    const mask = this.#slots.length - 1;
    for (let probe = 0; probe < PROBES_MAX; probe += 1) {
      const slot = (hash + probe) & mask;
      const entry = (this.#slots[slot] ?? 0) - 1;
      if (entry < 0) return this.#insert(slot, hash, source, start, end);
      if (this.#hashes.at(entry) === hash && this.#equals(entry, source, start, end)) {
        this.#last = entry;
        return entry;
      }
    }
    return null;
  }

  /** All entries as PLAIN values. A view. */
  plainValues(): Buffer {
    return this.#values.view();
  }

  /** Writes one entry as a PLAIN value. */
  copyTo(out: ByteBuffer, entry: number): void {
    out.prefixed(this.#values.backing, this.#starts.at(entry), this.#ends.at(entry));
  }

  clear(): void {
    this.#values.clear();
    this.#starts.clear();
    this.#ends.clear();
    this.#hashes.clear();
    this.#slots.fill(0);
    this.#last = 0;
  }

  #insert(slot: number, hash: number, source: Buffer, start: number, end: number): number | null {
    const entry = this.size;
    if (entry >= ENTRIES_MAX) return null;
    this.#values.prefixed(source, start, end);
    this.#starts.push(this.#values.length - (end - start));
    this.#ends.push(this.#values.length);
    this.#hashes.push(hash);
    this.#slots[slot] = entry + 1;
    this.#last = entry;
    if (this.size * 2 > this.#slots.length) this.#grow();
    return entry;
  }

  #grow(): void {
    const slots = new Uint32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    for (let entry = 0; entry < this.size; entry += 1) {
      let slot = this.#hashes.at(entry) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = entry + 1;
    }
    this.#slots = slots;
  }

  #equals(entry: number, source: Buffer, start: number, end: number): boolean {
    const from = this.#starts.at(entry);
    const to = this.#ends.at(entry);
    if (to - from !== end - start) return false;
    const known = this.#values.backing;
    // The ends of ids differ more often than their beginnings.
    for (let back = 1; back <= end - start; back += 1) {
      if (known[to - back] !== source[end - back]) return false;
    }
    return true;
  }
}

/** FNV-1a. */
function hashOf(source: Buffer, start: number, end: number): number {
  let hash = FNV_OFFSET;
  for (let at = start; at < end; at += 1) {
    hash = Math.imul(hash ^ (source[at] ?? 0), FNV_PRIME);
  }
  return (hash ^ (hash >>> 15)) >>> 0;
}

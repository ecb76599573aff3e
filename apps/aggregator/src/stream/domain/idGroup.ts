import {
  ANSWERS_AT,
  ASIDE_AT,
  DONE_AT,
  GROUP_IDS_MAX,
  GROUP_PAGES,
  idGroupModuleBytes,
  KEY_AT,
  LENGTHS_AT,
  LISTED_AT,
  TEXT_BYTES_MAX,
  TEXTS_AT,
  WORDS_AT,
} from "./idGroupModule.ts";
import { ID_BITS, PAGE_BYTES, PAYLOAD_BITS } from "./idSetLayout.ts";
import { IdHash, wordAt } from "./spanHash.ts";

export const ID_WORDS = 4;
const TEXT_WORDS = TEXT_BYTES_MAX / 4;
const BLOCK_WORDS = 4;
/** In place of the length of a text that is hashed outside. */
const OUTSIDE = 0;

/**
 * Some ids that are hashed together, and then admitted together to the sets of their windows. They lie in a
 * memory of WebAssembly, which the sets look into.
 */
export class IdGroup {
  readonly memory = new WebAssembly.Memory({ initial: GROUP_PAGES, maximum: GROUP_PAGES });
  /** Four words an id: what `hash` makes of its text. */
  readonly words = this.#view(WORDS_AT, ID_WORDS * GROUP_IDS_MAX);
  /** The ids that are to be admitted to a set, in order; what it says of an id, by id. */
  readonly listed = this.#view(LISTED_AT, GROUP_IDS_MAX);
  readonly answers = this.#view(ANSWERS_AT, GROUP_IDS_MAX);
  /** Slots that a set has put aside. */
  readonly aside = this.#view(ASIDE_AT, PAGE_BYTES / 4);
  readonly #done = this.#view(DONE_AT, 1);
  readonly #lengths = this.#view(LENGTHS_AT, GROUP_IDS_MAX);
  readonly #texts = this.#view(TEXTS_AT, TEXT_WORDS * GROUP_IDS_MAX);
  readonly #longHash: IdHash;
  readonly #hash: (count: number) => void;
  /** Ids whose texts are longer than most, and their words. */
  #long: { readonly id: number; readonly words: readonly number[] }[] = [];

  constructor(key: Int32Array) {
    this.#longHash = new IdHash(key);
    this.#view(KEY_AT, ID_WORDS).set(key);
    const { memory } = this;
    const { hash } = new WebAssembly.Instance(compiled(), { host: { memory } }).exports;
    if (!isHash(hash)) throw new TypeError("The group does not export what it should");
    this.#hash = hash;
  }

  /** How many of those listed a set has admitted. */
  get done(): number {
    return this.#done[0] ?? 0;
  }

  /** Takes the text of an id, the bytes of `[start, end)`. */
  setText(id: number, view: DataView, start: number, end: number): void {
    const length = end - start;
    if (length > TEXT_BYTES_MAX) {
      this.#setLong(id, view, start, end);
      return;
    }
    this.#lengths[id] = length;
    const texts = this.#texts;
    let to = id * TEXT_WORDS;
    let at = start;
    for (; at + 4 * BLOCK_WORDS <= end; at += 4 * BLOCK_WORDS) {
      texts[to] = view.getInt32(at, true);
      texts[to + 1] = view.getInt32(at + 4, true);
      texts[to + 2] = view.getInt32(at + 8, true);
      texts[to + 3] = view.getInt32(at + 12, true);
      to += BLOCK_WORDS;
    }
    // The first block is hashed even if it is empty.
    if (at === end && length > 0) return;
    texts[to] = wordAt(view, at, end);
    texts[to + 1] = wordAt(view, at + 4, end);
    texts[to + 2] = wordAt(view, at + 8, end);
    texts[to + 3] = wordAt(view, at + 12, end);
  }

  /** Hashes the texts of the first ids, to the words of `IdHash`. */
  hash(count: number): void {
    if (count === 0) return;
    this.#hash(count);
    if (this.#long.length === 0) return;
    for (const { id, words } of this.#long) this.words.set(words, ID_WORDS * id);
    this.#long = [];
  }

  /**
   * Lists an id, once, for the set that it is to be admitted to, and keeps of its last word what a set keeps.
   *
   * @param payload A hash of what the event says, its lowest bit set. Its upper 8 bits are left out.
   */
  list(place: number, id: number, payload: number): void {
    const { listed, words } = this;
    listed[place] = id;
    const last = ID_WORDS * id + ID_WORDS - 1;
    words[last] = ((words[last] ?? 0) & ID_BITS) | (payload & PAYLOAD_BITS);
  }

  #setLong(id: number, view: DataView, start: number, end: number): void {
    const hash = this.#longHash;
    hash.hash(view, start, end);
    this.#lengths[id] = OUTSIDE;
    this.#long.push({ id, words: [hash.word0, hash.word1, hash.word2, hash.word3] });
  }

  #view(at: number, words: number): Int32Array {
    return new Int32Array(this.memory.buffer, at, words);
  }
}

let latest: { readonly key: Int32Array; readonly group: IdGroup } | undefined;

/**
 * The group of those who have that key, which a process has one of. It may be shared by all who are done with it
 * before they let others run: a memory of WebAssembly takes much address space.
 */
export function sharedIdGroup(key: Int32Array): IdGroup {
  if (latest === undefined || latest.key.some((word, at) => word !== key[at])) {
    latest = { key: key.slice(), group: new IdGroup(key) };
  }
  return latest.group;
}

let module: WebAssembly.Module | undefined;

/** Compiled once a process, when it is first wanted. */
function compiled(): WebAssembly.Module {
  module ??= new WebAssembly.Module(idGroupModuleBytes());
  return module;
}

function isHash(value: unknown): value is (count: number) => void {
  return typeof value === "function";
}

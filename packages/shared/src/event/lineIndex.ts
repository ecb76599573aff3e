/// <reference path="../wasm/webAssembly.d.ts" />
import {
  BLOCK_AT,
  CHUNK_BYTES,
  EXPECTATION_BYTES,
  EXPECTATIONS_MAX,
  EXPECTED_BYTES,
  lineIndexModuleBytes,
  POSITIONS_MAX,
  SLOT_BYTES,
  SLOTS_AT,
  SLOTS_MAX,
} from "./lineIndexModule.ts";

const PAGE_BYTES = 65_536;
/** Blocks of the edge fit; a greater one takes a greater memory once. */
const PAGES_MIN = 8;
/** Of a position. */
const WORD_BYTES = 4;
const LINE_FEED = 0x0a;
/** Bytes behind a block that may be read, so that words need not be cut at its end. */
const SLACK_BYTES = 2 * CHUNK_BYTES;
const NO_BLOCK = new Uint8Array(0);

/** What a module is made of that reads lines of the block at hand; another when the memory has grown. */
export interface LineIndexParts {
  /** The positions at 0, what was spared at `SPARE_AT`, the block at `BLOCK_AT`. */
  readonly memory: WebAssembly.Memory;
  readonly index: Index;
  readonly matches: Matches;
}

type Index = (at: number) => number;
type Matches = (from: number, to: number) => number;
type IsId = (position: number) => number;

/** A text that lies at one of a line's special bytes. */
export interface Expectation {
  /** Which of the special bytes, from 0. */
  readonly special: number;
  /** How many bytes before it the text begins. */
  readonly before: number;
  /** ASCII, at most 32 characters. */
  readonly text: string;
}

/**
 * Finds the quotes of a line, so that who reads JSON goes from text to text and looks at no byte
 * of those that it does not want. Where a line has a byte that such a reader must not pass over (a
 * backslash, a control character, a byte beyond ASCII), it is among the quotes.
 *
 * Works on a copy of the block; whatever is taken from `bytes` is gone when another one is loaded.
 * A memory of WebAssembly takes much address space, so that not every reader can have its own.
 */
export class LineIndex {
  /** The block and, behind it, line feeds. */
  bytes: Uint8Array = NO_BLOCK;
  view: DataView = new DataView(NO_BLOCK.buffer);
  /** What `find` has found, ascending. */
  positions: Int32Array = new Int32Array(0);
  #block: Uint8Array = NO_BLOCK;
  #index: Index = () => 0;
  #matches: Matches = () => 0;
  #isId: IsId = () => 0;
  #parts: LineIndexParts | undefined;
  /** Before the block, in the same memory. */
  #expectations: DataView = this.view;
  /** Of each slot, behind the last of its expectations. */
  readonly #slotEnds = new Int32Array(SLOTS_MAX);

  /** Whether that block is the one at hand, or somebody has turned to another. */
  holds(block: Uint8Array): boolean {
    return this.#block === block;
  }

  /** Of the block that was loaded last. @throws {RangeError} before any was. */
  get parts(): LineIndexParts {
    if (this.#parts === undefined) throw new RangeError("No block was loaded");
    return this.#parts;
  }

  /** What lies before the block, from 0 on; what is put into its spare part stays there. */
  get front(): DataView {
    return this.#expectations;
  }

  /** Where a slot's expectations are, for `matches`: from where on, and to where. */
  expectationsOf(slot: number): readonly [from: number, end: number] {
    return [SLOTS_AT + slot * SLOT_BYTES, this.#slotEnds[slot] ?? 0];
  }

  load(block: Uint8Array): void {
    const capacity = this.bytes.length - SLACK_BYTES;
    if (block.length > capacity) this.#grow(block.length + SLACK_BYTES);
    this.bytes.set(block);
    this.bytes.fill(LINE_FEED, block.length, block.length + SLACK_BYTES);
    this.#block = block;
  }

  /**
   * Puts the positions of all special bytes from `at` on into `positions`, up to and with the first
   * line feed, and says how many there are. A line with too many of them ends without one.
   *
   * @param at A place of the block, or its end.
   */
  find(at: number): number {
    return this.#index(at);
  }

  /** Whether what the slot expects is so, of the line that was looked at last. */
  matches(slot: number): boolean {
    return this.#matches(SLOTS_AT + slot * SLOT_BYTES, this.#slotEnds[slot] ?? 0) === 1;
  }

  /**
   * Whether an event id may have all bytes between that special byte of the line that was looked at
   * last and the next one; so it may if there are none.
   */
  isId(special: number): boolean {
    return this.#isId(WORD_BYTES * special) === 1;
  }

  /**
   * Puts expectations into a slot, one at least.
   *
   * @throws {RangeError} if they do not fit.
   */
  expect(slot: number, expectations: readonly Expectation[]): void {
    if (slot >= SLOTS_MAX || expectations.length > EXPECTATIONS_MAX) {
      throw new RangeError(`No room for ${expectations.length} expectations in slot ${slot}`);
    }
    const memory = this.#expectations;
    let at = SLOTS_AT + slot * SLOT_BYTES;
    for (const { special, before, text } of expectations) {
      if (text.length > EXPECTED_BYTES) throw new RangeError(`Too long to be expected: ${text}`);
      memory.setInt32(at, WORD_BYTES * special, true);
      memory.setInt32(at + 4, before, true);
      for (let byte = 0; byte < EXPECTED_BYTES; byte += 1) {
        const isText = byte < text.length;
        memory.setUint8(at + CHUNK_BYTES + byte, isText ? text.charCodeAt(byte) : 0);
        memory.setUint8(at + CHUNK_BYTES + EXPECTED_BYTES + byte, isText ? 0xff : 0);
      }
      at += EXPECTATION_BYTES;
    }
    this.#slotEnds[slot] = at;
  }

  #grow(bytes: number): void {
    const pages = Math.max(PAGES_MIN, Math.ceil((BLOCK_AT + bytes) / PAGE_BYTES));
    const memory = new WebAssembly.Memory({ initial: pages });
    const instance = new WebAssembly.Instance(compiled(), { host: { memory } });
    const { index, matches, isId } = instance.exports;
    if (!isIndex(index) || !isMatches(matches) || !isIndex(isId)) {
      throw new TypeError("The line index does not export what it should");
    }
    this.#parts = { memory, index, matches };
    this.#index = index;
    this.#matches = matches;
    this.#isId = isId;
    const expectations = new Uint8Array(this.#expectations.buffer);
    new Uint8Array(memory.buffer).set(expectations.subarray(0, BLOCK_AT));
    this.#expectations = new DataView(memory.buffer);
    this.bytes = new Uint8Array(memory.buffer, BLOCK_AT);
    this.view = new DataView(memory.buffer, BLOCK_AT);
    this.positions = new Int32Array(memory.buffer, 0, POSITIONS_MAX + CHUNK_BYTES);
  }
}

let module: WebAssembly.Module | undefined;

/** Compiled once a process, when it is first wanted. */
function compiled(): WebAssembly.Module {
  module ??= new WebAssembly.Module(lineIndexModuleBytes());
  return module;
}

function isIndex(value: unknown): value is Index {
  return typeof value === "function";
}

function isMatches(value: unknown): value is Matches {
  return typeof value === "function";
}

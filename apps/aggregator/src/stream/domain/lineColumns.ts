import type { LineIndex, LineIndexParts } from "@trueclick/shared/event/lineIndex";
import type { EventSpans } from "./eventSpans.ts";
import { FlagSets } from "./flagSets.ts";
import { HashedText, TEXT_WORDS } from "./hashedText.ts";
import type { IdGroup } from "./idGroup.ts";
import {
  ENDS_AT,
  FACTOR_BYTES,
  FACTORS_AT,
  FIRST_FACTORS_AT,
  GROUP_LINES,
  NAME_BYTES,
  NAME_BYTES_MAX,
  NAME_FIELDS,
  NAMES_AT,
  type NameField,
  NEXT_AT,
  SPANS_AT,
  SPANS_BYTES,
  STARTS_AT,
  TIMES_AT,
  TYPES_AT,
} from "./lineColumnsLayout.ts";
import { lineColumnsModuleBytes } from "./lineColumnsModule.ts";
import { FIELD_COUNT, fieldAt } from "./storedFields.ts";

type Read = (at: number, end: number, line: number, lines: number) => number;

const FLAGS = fieldAt("flags");
/** Of the factors: those of the length come first. */
const FIRST_FACTORS = 2;
const WORDS_A_CHUNK = 4;

/**
 * Reads lines of known shapes, many in one go, into columns that lie in the memory of a group of ids:
 * where their fields are, the hashes of their names, the texts of their ids. Each is read as
 * `LineScanner` reads it, or not at all, and left to that.
 */
export class LineColumns {
  readonly #group: IdGroup;
  readonly #flagSets = new FlagSets();
  readonly #times: Float64Array;
  readonly #types: Int32Array;
  readonly #starts: Int32Array;
  readonly #ends: Int32Array;
  readonly #next: Int32Array;
  #parts: LineIndexParts | undefined;
  #read: Read = (_at, _end, line) => line;

  /** @param factors Those of the hash that names have: see `SpanHash.factors`. */
  constructor(group: IdGroup, factors: Int32Array) {
    const { buffer } = group.memory;
    this.#group = group;
    this.#times = new Float64Array(buffer, TIMES_AT, GROUP_LINES);
    this.#types = new Int32Array(buffer, TYPES_AT, GROUP_LINES);
    this.#starts = new Int32Array(buffer, STARTS_AT, GROUP_LINES);
    this.#ends = new Int32Array(buffer, ENDS_AT, GROUP_LINES);
    this.#next = new Int32Array(buffer, NEXT_AT, 1);
    this.#putFactors(factors);
  }

  /** Where the line begins that comes after those that were read. */
  get nextAt(): number {
    return this.#next[0] ?? 0;
  }

  /**
   * Reads lines from `at` on, of the block that the index has, into the columns from `line` on, and
   * answers which is the next: `lines`, if no other is met that has no known shape, or an unusual
   * value, and the block does not end.
   */
  read(index: LineIndex, at: number, end: number, line: number, lines: number): number {
    if (index.parts !== this.#parts) this.#turnTo(index.parts);
    return this.#read(at, end, line, lines);
  }

  /** What of a line is no column; false if it has unusual flags, and is to be parsed. */
  finish(line: number, spans: EventSpans, { bytes, view }: LineIndex): boolean {
    spans.bytes = bytes;
    spans.view = view;
    spans.eventTimeMs = this.#times[line] ?? 0;
    spans.eventType = this.#types[line] ?? 0;
    spans.test = false;
    const end = this.#flagSets.endOf(bytes, view, spans.starts[FLAGS] ?? 0);
    spans.flagSet = this.#flagSets.found;
    return end === spans.ends[FLAGS];
  }

  /** Where a line that was read begins, and where its line feed is. */
  boundsOf(line: number): readonly [start: number, feed: number] {
    return [this.#starts[line] ?? 0, this.#ends[line] ?? 0];
  }

  /** Where the fields of a line are, by place in `FIELDS`; then where they end. */
  spansOf(line: number): Int32Array<ArrayBuffer> {
    const at = SPANS_AT + line * SPANS_BYTES;
    return new Int32Array(this.#group.memory.buffer, at, 2 * FIELD_COUNT);
  }

  nameOf(line: number, field: NameField): HashedText {
    const row = line * NAME_FIELDS.length + NAME_FIELDS.indexOf(field);
    const { buffer } = this.#group.memory;
    return new HashedText(new Int32Array(buffer, NAMES_AT + row * NAME_BYTES, TEXT_WORDS));
  }

  #turnTo(parts: LineIndexParts): void {
    const { memory } = this.#group;
    const imports = { block: { ...parts }, columns: { memory } };
    const { read } = new WebAssembly.Instance(compiled(), imports).exports;
    if (!isRead(read)) throw new TypeError("The columns do not export what they should");
    this.#parts = parts;
    this.#read = read;
  }

  /** Of each word of a text two factors, which the module wants side by side with those of its neighbours. */
  #putFactors(factors: Int32Array): void {
    const memory = new DataView(this.#group.memory.buffer);
    for (let at = 0; at < FIRST_FACTORS; at += 1) {
      memory.setInt32(FIRST_FACTORS_AT + 4 * at, factors[at] ?? 0, true);
    }
    for (let word = 0; word < NAME_BYTES_MAX / 4; word += 1) {
      const chunk = FACTORS_AT + FACTOR_BYTES * Math.floor(word / WORDS_A_CHUNK);
      const place = 4 * (word % WORDS_A_CHUNK);
      const at = FIRST_FACTORS + 2 * word;
      memory.setInt32(chunk + place, factors[at] ?? 0, true);
      memory.setInt32(chunk + FACTOR_BYTES / 2 + place, factors[at + 1] ?? 0, true);
    }
  }
}

let module: WebAssembly.Module | undefined;

/** Compiled once a process, when it is first wanted. */
function compiled(): WebAssembly.Module {
  module ??= new WebAssembly.Module(lineColumnsModuleBytes());
  return module;
}

function isRead(value: unknown): value is Read {
  return typeof value === "function";
}

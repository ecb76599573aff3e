/**
 * The module behind `IdSet`: looks for ids of a group in tables that are larger than the caches, and adds those
 * that are new. Put together here instruction by instruction, so that there is neither a compiler to
 * install nor a binary to trust.
 *
 * Each of its three rounds goes over all ids. The first two only read what the last will need, without a
 * jump that depends on it, so that the processor waits for memory once a group, not once an id (as in the
 * grouped probing of hash joins, Chen et al. 2004).
 */
import { type Code, name, PREAMBLE, section, sized } from "@trueclick/shared/wasm/encoding";
import {
  ADD,
  AND,
  AND_16,
  ANY,
  BITMASK,
  BLOCK,
  BRANCH,
  BRANCH_IF,
  CONST_16,
  constant,
  EMPTY_BLOCK,
  END,
  EQUAL_WORDS,
  FUNCTION,
  GREATER_UNSIGNED,
  get,
  IF,
  IS_ZERO,
  LESS_UNSIGNED,
  LOOP,
  load,
  load16,
  loadHalf,
  NARROW_HALVES,
  NARROW_WORDS,
  OR,
  RETURN,
  SELECT,
  SHIFT_LEFT,
  SHIFT_RIGHT,
  SPLAT_WORD,
  SUB,
  set,
  store,
  store16,
  TRAILING_ZEROS,
  tee,
  VALUE_I32,
  VALUE_V128,
  XOR,
  XOR_16,
} from "@trueclick/shared/wasm/instructions";
import {
  ADDRESSES_AT,
  ANSWERS_AT,
  DONE_AT,
  LISTED_AT,
  SEEN_AT,
  WORDS_AT,
} from "./idGroupModule.ts";
import {
  CONFLICT,
  DUPLICATE,
  FIRST,
  GROUP,
  ID_BITS,
  LINE_BYTES,
  LINE_SLOTS,
  PAGE_BITS,
  STORE,
} from "./idSetLayout.ts";
import { DIVIDE_LOCALS, DIVIDE_PARAMETERS, divide, inLog } from "./idTableModule.ts";

const DIRECTORY = 0;
const LOG_PAGES = 1;
const COUNT = 2;
const SHIFT = 3;
const TABLE_AT = 4;
const LINE_MASK = 5;
const PLACE_MASK = 6;
const LAST = 7;
const DISTANCE_MAX = 8;
const PARAMETERS = 9;
const AT = 9;
const ID = 10;
const ADDRESS = 11;
const MATCHES = 12;
const DISTANCE = 13;
const SEEN = 14;
const PLACE = 15;
const FREE = 16;
const [ROW_0, ROW_1, ROW_2, ROW_3] = [17, 18, 19, 20] as const;
const TAG = 21;
const TAG_BITS = 22;
const WANTED = 23;
const HELD = 24;
const ROWS = [ROW_0, ROW_1, ROW_2, ROW_3] as const;
const LOCALS: Code = [2, ...[FREE - AT + 1, VALUE_I32], ...[HELD - ROW_0 + 1, VALUE_V128]];

const splat = (words: readonly number[]): Code => [
  ...CONST_16,
  ...words.flatMap((word) => [0, 8, 16, 24].map((bits) => (word >>> bits) & 0xff)),
];
const ZEROS = splat([0, 0, 0, 0]);

/**
 * The module's bytes. It imports the memories `group` and `store` and exports `divide` (`idTableModule.ts`) and
 *
 * `admit(directory, logPages, count, shift, tableAt, lineMask, placeMask, last, distanceMax)`: admits the first
 * `count` ≥ 1 of the listed ids to the set whose directory and pages of the log lie there and whose tables
 * begin so far in their pages, in order; puts what it says of them into the answers, and returns the last place of its log.
 * Stops before an id for which no line within `distanceMax` has room; how many it has done lies at `DONE_AT`.
 */
export function idSetModuleBytes(): Uint8Array<ArrayBuffer> {
  const memory = (of: string): Code => [...name("host"), ...name(of), 0x02, ...[0x00, 1]];
  const type = (parameters: number): Code => [
    ...[FUNCTION, parameters, ...Array.from({ length: parameters }, () => VALUE_I32)],
    ...[1, VALUE_I32],
  ];
  return Uint8Array.from([
    ...PREAMBLE,
    ...section(1, [2, ...type(PARAMETERS), ...type(DIVIDE_PARAMETERS)]),
    ...section(2, [2, ...memory("group"), ...memory("store")]),
    ...section(3, [2, 0, 1]),
    ...section(7, [2, ...name("admit"), 0x00, 0, ...name("divide"), 0x00, 1]),
    ...section(10, [
      2,
      ...sized([...LOCALS, ...admit(), END]),
      ...sized([...DIVIDE_LOCALS, ...divide(), END]),
    ]),
  ]);
}

function admit(): number[] {
  return [
    ...[...get(PLACE_MASK), ...constant(-1), XOR, ...SPLAT_WORD, ...set(TAG_BITS)],
    ...round(lookAtLine()),
    ...round(lookAtLog()),
    ...[...constant(0), ...get(SEEN), ...store(SEEN_AT)],
    ...round(admitOne()),
    ...[...constant(0), ...get(COUNT), ...store(DONE_AT), ...get(LAST)],
  ];
}

/** For each of the listed ids, `AT` being its place in the list in bytes, and `ID` that of its words. */
function round(body: Code): number[] {
  return [
    ...[...constant(0), ...set(AT)],
    ...[LOOP, EMPTY_BLOCK],
    ...[...get(AT), ...load(LISTED_AT, GROUP), ...constant(4), SHIFT_LEFT, ...set(ID)],
    ...body,
    ...[...get(AT), ...constant(4), ADD, ...tee(AT)],
    ...[...get(COUNT), ...constant(2), SHIFT_LEFT, LESS_UNSIGNED, BRANCH_IF, 0],
    END,
  ];
}

function lookAtLine(): number[] {
  const entry = [...get(ID), ...load(WORDS_AT, GROUP), ...get(SHIFT), SHIFT_RIGHT];
  const line = [...get(ID), ...load(WORDS_AT, GROUP), ...get(LINE_MASK), AND];
  return [
    ...[
      ...get(AT),
      ...get(DIRECTORY),
      ...entry,
      ...constant(1),
      SHIFT_LEFT,
      ADD,
      ...loadHalf(0, STORE),
    ],
    ...[...constant(PAGE_BITS), SHIFT_LEFT, ...get(TABLE_AT), ADD],
    ...[...line, ...constant(6), SHIFT_LEFT, ADD, ...tee(ADDRESS), ...store(ADDRESSES_AT, GROUP)],
    ...[...get(ADDRESS), ...load(0, STORE), ...get(SEEN), ADD, ...set(SEEN)],
  ];
}

/** Where the id may be known, its place in the log; else that of none. */
function lookAtLog(): number[] {
  const first = [...get(MATCHES), ...constant(1 << (LINE_SLOTS - 1)), OR, TRAILING_ZEROS];
  return [
    ...[...get(AT), ...load(ADDRESSES_AT, GROUP), ...set(ADDRESS)],
    ...[...rows(), ...tag(), ...matches(), ...set(MATCHES)],
    ...[...get(ADDRESS), ...first, ...constant(2), SHIFT_LEFT, ADD, ...load(0, STORE)],
    ...[...get(PLACE_MASK), AND, ...constant(0), ...get(MATCHES), SELECT, ...set(PLACE)],
    ...[...inLog(LOG_PAGES, PLACE), ...load(0, STORE), ...get(SEEN), ADD, ...set(SEEN)],
  ];
}

function admitOne(): number[] {
  const [nextId, nextLine] = [1, 0];
  return [
    ...[...get(AT), ...load(ADDRESSES_AT, GROUP), ...set(ADDRESS)],
    ...[...get(ID), ...load16(WORDS_AT, GROUP), ...set(WANTED)],
    ...[...tag(), ...constant(0), ...set(DISTANCE)],
    ...[BLOCK, EMPTY_BLOCK, LOOP, EMPTY_BLOCK],
    ...rows(),
    ...[...bits((row) => [...get(row), ...ZEROS, ...EQUAL_WORDS]), ...set(FREE)],
    // A free slot looks like those of ids whose tag is 0.
    ...[...matches(), ...get(FREE), ...constant(-1), XOR, AND, ...tee(MATCHES)],
    ...[IF, EMPTY_BLOCK, ...compareAll(nextId + 1), END],
    ...[...get(FREE), IF, EMPTY_BLOCK, ...append(), BRANCH, nextId + 1, END],
    ...[...get(DISTANCE), ...constant(1), ADD, ...tee(DISTANCE)],
    ...[...get(DISTANCE_MAX), GREATER_UNSIGNED, IF, EMPTY_BLOCK],
    ...[...constant(0), ...get(AT), ...constant(2), SHIFT_RIGHT, ...store(DONE_AT, GROUP)],
    ...[...get(LAST), RETURN, END],
    ...nextLineOfTable(),
    ...[BRANCH, nextLine],
    ...[END, END],
  ];
}

/** The last line of a table is followed by its first. */
function nextLineOfTable(): number[] {
  const inTable = [...get(LINE_MASK), ...constant(6), SHIFT_LEFT];
  return [
    ...[...get(ADDRESS), ...constant(LINE_BYTES), ADD, ...get(ADDRESS), XOR, ...inTable, AND],
    ...[...get(ADDRESS), XOR, ...set(ADDRESS)],
  ];
}

/** Goes on where all slots of this line that look like the id's are of others. */
function compareAll(done: number): number[] {
  return [
    ...[LOOP, EMPTY_BLOCK],
    ...[...get(ADDRESS), ...get(MATCHES), TRAILING_ZEROS, ...constant(2), SHIFT_LEFT, ADD],
    ...[...load(0, STORE), ...get(PLACE_MASK), AND, ...set(PLACE)],
    ...[...inLog(LOG_PAGES, PLACE), ...load16(0, STORE), ...get(WANTED), ...XOR_16, ...set(HELD)],
    ...[...get(HELD), ...splat([-1, -1, -1, ID_BITS]), ...AND_16, ...ANY, IS_ZERO],
    ...[IF, EMPTY_BLOCK],
    ...[...get(ID), ...constant(2), SHIFT_RIGHT],
    ...[...constant(CONFLICT), ...constant(DUPLICATE), ...get(HELD), ...ANY, SELECT],
    ...store(ANSWERS_AT, GROUP),
    // Out of this `if`, the loop, and the `if` around it.
    ...[BRANCH, done + 2],
    END,
    ...[...get(MATCHES), ...get(MATCHES), ...constant(1), SUB, AND, ...tee(MATCHES)],
    ...[BRANCH_IF, 0],
    END,
  ];
}

function append(): number[] {
  return [
    ...[...get(LAST), ...constant(1), ADD, ...set(LAST)],
    ...[...inLog(LOG_PAGES, LAST), ...get(WANTED), ...store16(0, STORE)],
    ...[...get(ADDRESS), ...get(FREE), TRAILING_ZEROS, ...constant(2), SHIFT_LEFT, ADD],
    ...[...get(ID), ...load(WORDS_AT + 4, GROUP), ...get(PLACE_MASK), ...constant(-1), XOR, AND],
    ...[...get(LAST), OR, ...store(0, STORE)],
    ...[...get(ID), ...constant(2), SHIFT_RIGHT, ...constant(FIRST), ...store(ANSWERS_AT, GROUP)],
  ];
}

function rows(): number[] {
  return ROWS.flatMap((row, at) => [...get(ADDRESS), ...load16(16 * at, STORE), ...set(row)]);
}

function tag(): number[] {
  return [
    ...[...get(ID), ...load(WORDS_AT + 4, GROUP), ...SPLAT_WORD],
    ...[...get(TAG_BITS), ...AND_16, ...set(TAG)],
  ];
}

/** A bit for each slot whose tag is the id's. */
function matches(): number[] {
  return bits((row) => [...get(row), ...get(TAG_BITS), ...AND_16, ...get(TAG), ...EQUAL_WORDS]);
}

/** A bit for each slot of the line, from what says yes by a word of ones. */
function bits(ofRow: (row: number) => Code): number[] {
  return [
    ...[...ofRow(ROW_0), ...ofRow(ROW_1), ...NARROW_WORDS],
    ...[...ofRow(ROW_2), ...ofRow(ROW_3), ...NARROW_WORDS],
    ...[...NARROW_HALVES, ...BITMASK],
  ];
}

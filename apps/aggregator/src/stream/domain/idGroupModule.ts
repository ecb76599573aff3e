/**
 * The hash of `IdHash` of many ids, four at a time in the lanes of a vector. One id's rounds wait for one
 * another; those of four go side by side.
 */
import { type Code, name, PREAMBLE, section, sized } from "@trueclick/shared/wasm/encoding";
import {
  ADD,
  ADD_WORDS,
  AND_16,
  ANY,
  BRANCH_IF,
  CHOOSE_BITS,
  CONST_16,
  constant,
  EMPTY_BLOCK,
  END,
  FUNCTION,
  GREATER_WORDS,
  get,
  LESS_UNSIGNED,
  LOOP,
  load16,
  loadSplat,
  OR_16,
  SHIFT_LEFT,
  SHIFT_LEFT_WORDS,
  SHIFT_RIGHT_WORDS,
  SHUFFLE,
  SUB_WORDS,
  set,
  store16,
  tee,
  VALUE_I32,
  VALUE_V128,
  XOR_16,
} from "@trueclick/shared/wasm/instructions";

/** Ids of a group, at most; a multiple of the lanes. */
export const GROUP_IDS_MAX = 64;
/** Longest id that is hashed here: the longest that the edge takes. */
export const TEXT_BYTES_MAX = 64;

const LANES = 4;
const BLOCK_BYTES = 16;
const ROUNDS = 8;

// Places in the group's memory, in bytes.
export const KEY_AT = 0;
/** How many of the listed ids were admitted; and what was seen, so that looking is not optimised away. */
export const DONE_AT = 16;
export const SEEN_AT = 20;
export const LISTED_AT = 64;
export const ANSWERS_AT = LISTED_AT + 4 * GROUP_IDS_MAX;
export const ADDRESSES_AT = ANSWERS_AT + 4 * GROUP_IDS_MAX;
export const LENGTHS_AT = ADDRESSES_AT + 4 * GROUP_IDS_MAX;
export const WORDS_AT = LENGTHS_AT + 4 * GROUP_IDS_MAX;
export const TEXTS_AT = WORDS_AT + BLOCK_BYTES * GROUP_IDS_MAX;
/** While a set divides a table: the first words of its ids, and slots put aside; a page each. */
export const FIRSTS_AT = 65_536;
export const ASIDE_AT = 2 * 65_536;
export const GROUP_PAGES = 3;

const COUNT = 0;
const ID = 1;
const TEXT = 2;
const LENGTH = 3;
const KEY_2 = 4;
const [A, B, C, D] = [5, 6, 7, 8] as const;
const BEFORE = 9;
const BLOCKS = 13;
const ACTIVE = 17;
const PARTIAL = 18;
const STATE = [A, B, C, D] as const;
const LOCALS: Code = [2, ...[2, VALUE_I32], ...[PARTIAL - LENGTH + 1, VALUE_V128]];

/**
 * The module's bytes. It imports `memory` and exports `hash(count)`: the words of the texts of the first
 * `count` ≥ 1 ids, whose last blocks have zeros behind their ends.
 */
export function idGroupModuleBytes(): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([
    ...PREAMBLE,
    ...section(1, [1, FUNCTION, ...[1, VALUE_I32], 0]),
    ...section(2, [1, ...name("host"), ...name("memory"), 0x02, ...[0x00, 1]]),
    ...section(3, [1, 0]),
    ...section(7, [1, ...name("hash"), 0x00, 0]),
    ...section(10, [1, ...sized([...LOCALS, ...hash(), END])]),
  ]);
}

const splat = (value: number): Code => [
  ...CONST_16,
  ...Array.from({ length: BLOCK_BYTES }, (_none, byte) => (value >>> (8 * (byte % 4))) & 0xff),
];
const words = (of: (word: 0 | 1 | 2 | 3) => Code): number[] => [
  ...[...of(0), ...of(1), ...of(2), ...of(3)],
];

function hash(): number[] {
  return [
    ...[...constant(0), ...loadSplat(KEY_AT + 8), ...set(KEY_2)],
    ...[LOOP, EMPTY_BLOCK],
    ...[...get(ID), ...constant(6), SHIFT_LEFT, ...set(TEXT)],
    ...[...get(ID), ...constant(2), SHIFT_LEFT, ...load16(LENGTHS_AT), ...set(LENGTH)],
    ...words((word) => [...constant(0), ...loadSplat(KEY_AT + 4 * word), ...set(STATE[word])]),
    ...[...get(A), ...get(LENGTH), ...XOR_16, ...set(A)],
    // The first block is hashed even if it is empty.
    ...[...splat(-1), ...set(ACTIVE)],
    ...[LOOP, EMPTY_BLOCK],
    ...block(),
    ...[...get(TEXT), ...constant(BLOCK_BYTES), ADD, ...set(TEXT)],
    ...[...get(LENGTH), ...splat(BLOCK_BYTES), ...SUB_WORDS, ...set(LENGTH)],
    ...[...get(LENGTH), ...splat(0), ...GREATER_WORDS, ...tee(ACTIVE), ...ANY, BRANCH_IF, 0],
    END,
    ...[...get(ID), ...constant(4), SHIFT_LEFT, ...set(TEXT)],
    ...transposed(STATE),
    ...words((word) => [...get(TEXT), ...get(BLOCKS + word), ...store16(WORDS_AT + 16 * word)]),
    ...[
      ...get(ID),
      ...constant(LANES),
      ADD,
      ...tee(ID),
      ...get(COUNT),
      LESS_UNSIGNED,
      BRANCH_IF,
      0,
    ],
    END,
  ];
}

/** One block of each lane's text; the state of lanes whose texts have ended stays as it is. */
function block(): number[] {
  return [
    ...words((word) => [
      ...get(TEXT),
      ...load16(TEXTS_AT + TEXT_BYTES_MAX * word),
      ...set(BEFORE + word),
    ]),
    ...transposed([BEFORE, BEFORE + 1, BEFORE + 2, BEFORE + 3]),
    ...words((word) => [...get(STATE[word]), ...set(BEFORE + word)]),
    ...words((word) => [
      ...get(STATE[word]),
      ...get(BLOCKS + word),
      ...XOR_16,
      ...set(STATE[word]),
    ]),
    // A padded block: see `IdHash`.
    ...[...splat(BLOCK_BYTES), ...get(LENGTH), ...GREATER_WORDS, ...set(PARTIAL)],
    ...[...get(B), ...get(KEY_2), ...get(PARTIAL), ...AND_16, ...XOR_16, ...set(B)],
    ...[...get(LENGTH), ...constant(24), ...SHIFT_LEFT_WORDS, ...get(PARTIAL), ...AND_16],
    ...[...get(D), ...XOR_16, ...set(D)],
    ...Array.from({ length: ROUNDS }, round).flat(),
    ...words((word) => [
      ...[...get(STATE[word]), ...get(BEFORE + word), ...get(ACTIVE), ...CHOOSE_BITS],
      ...set(STATE[word]),
    ]),
  ];
}

function round(): number[] {
  return [
    ...[...get(A), ...get(B), ...ADD_WORDS, ...set(A)],
    ...[...rotated(B, 5), ...get(A), ...XOR_16, ...set(B)],
    ...[...rotatedBytes(A, 2), ...set(A)],
    ...[...get(C), ...get(D), ...ADD_WORDS, ...set(C)],
    ...[...rotatedBytes(D, 1), ...get(C), ...XOR_16, ...set(D)],
    ...[...get(A), ...get(D), ...ADD_WORDS, ...set(A)],
    ...[...rotated(D, 13), ...get(A), ...XOR_16, ...set(D)],
    ...[...get(C), ...get(B), ...ADD_WORDS, ...set(C)],
    ...[...rotated(B, 7), ...get(C), ...XOR_16, ...set(B)],
    ...[...rotatedBytes(C, 2), ...set(C)],
  ];
}

/** Each word of the local to the left. */
function rotated(local: number, bits: number): number[] {
  return [
    ...[...get(local), ...constant(bits), ...SHIFT_LEFT_WORDS],
    ...[...get(local), ...constant(32 - bits), ...SHIFT_RIGHT_WORDS, ...OR_16],
  ];
}

function rotatedBytes(local: number, bytes: number): number[] {
  const from = (byte: number) => (byte & ~3) | ((byte - bytes) & 3);
  return [
    ...[...get(local), ...get(local), ...SHUFFLE],
    ...Array.from({ length: BLOCK_BYTES }, (_none, byte) => from(byte)),
  ];
}

/** Rows to columns, put into `BLOCKS`. */
function transposed(rows: readonly [number, number, number, number]): number[] {
  const [one, two, three, four] = rows;
  const taken = (first: number, second: number, words: readonly number[]): number[] => [
    ...[...get(first), ...get(second), ...SHUFFLE],
    ...words.flatMap((word) => [4 * word, 4 * word + 1, 4 * word + 2, 4 * word + 3]),
  ];
  const [LOW, HIGH] = [
    [0, 4, 1, 5],
    [2, 6, 3, 7],
  ] as const;
  const [FIRSTS, SECONDS] = [
    [0, 1, 4, 5],
    [2, 3, 6, 7],
  ] as const;
  const [lowA, highA, lowB, highB] = [BLOCKS, BLOCKS + 1, BLOCKS + 2, BLOCKS + 3] as const;
  return [
    ...[...taken(one, two, LOW), ...taken(one, two, HIGH)],
    ...[...taken(three, four, LOW), ...taken(three, four, HIGH)],
    ...[...set(highB), ...set(lowB), ...set(highA), ...set(lowA)],
    ...[...taken(lowA, lowB, FIRSTS), ...taken(lowA, lowB, SECONDS)],
    ...[...taken(highA, highB, FIRSTS), ...taken(highA, highB, SECONDS)],
    ...[...set(BLOCKS + 3), ...set(BLOCKS + 2), ...set(BLOCKS + 1), ...set(BLOCKS)],
  ];
}

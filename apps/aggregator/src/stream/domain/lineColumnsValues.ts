/** What the module of `lineColumnsModule.ts` does with the values of a line. */
import { BLOCK_AT, ID_HIGH_HALVES, idLowHalf } from "@trueclick/shared/event/lineIndexModule";
import type { Code } from "@trueclick/shared/wasm/encoding";
import {
  ADD,
  ADD_DOUBLES,
  ADD_HALVES,
  ADD_WORDS,
  ALL_BYTES,
  AND_16,
  BRANCH_IF,
  byteAt,
  constant,
  DOT_HALVES,
  double,
  EMPTY_BLOCK,
  END,
  EQUAL_BYTES,
  GREATER_BYTES_UNSIGNED,
  GREATER_UNSIGNED,
  get,
  IF,
  IS_ZERO,
  LESS_SIGNED,
  LOOP,
  load,
  load16,
  MULTIPLY,
  MULTIPLY_DOUBLES,
  MULTIPLY_HALVES,
  MULTIPLY_WORDS,
  OR,
  OR_16,
  ROTATE_LEFT,
  SHIFT_LEFT,
  SHIFT_RIGHT,
  SHIFT_RIGHT_BYTES,
  SHIFT_RIGHT_HALVES,
  SHUFFLE,
  SUB_BYTES,
  SWIZZLE,
  set,
  store,
  store16,
  storeDouble,
  TEE,
  TO_DOUBLE,
  wordOf,
  XOR,
} from "@trueclick/shared/wasm/instructions";
import { TEXT_WORD } from "./hashedText.ts";
import { LENGTHS_AT, TEXTS_AT } from "./idGroupModule.ts";
import {
  FACTOR_BYTES,
  FACTORS_AT,
  FIRST_FACTORS_AT,
  NAME_BYTES,
  NAMES_AT,
  TIMES_AT,
} from "./lineColumnsLayout.ts";
import {
  bytesOf,
  CHUNK,
  COLUMNS,
  FACTOR,
  FLAWS,
  FOUND,
  FROM,
  firstOf,
  LENGTH,
  LINE,
  MASK,
  NAMES_ROW,
  PLACE,
  placeOf,
  SUMS,
  TURNS,
  takeChunk,
  turnTo,
  WRONG,
  zeros,
} from "./lineColumnsLocals.ts";
import { EPOCH_MS_DIGITS, type FieldName } from "./storedFields.ts";

const CHUNK_BYTES = 16;
const ZERO = 0x30;
/** Bytes of a chunk that ends with a time, before it. */
const BEFORE_DIGITS = CHUNK_BYTES - EPOCH_MS_DIGITS;

const addTo = (local: number, value: number): Code => [
  ...[...get(local), ...constant(value), ADD, ...set(local)],
];
const flawed: Code = [...get(FLAWS), ...OR_16, ...set(FLAWS)];
const wrong: Code = [...get(WRONG), OR, ...set(WRONG)];

/** Copies the id to where it is hashed, and looks at each byte of it. */
export function idText(): number[] {
  return [
    ...turnTo("event_id"),
    ...[...get(LINE), ...constant(2), SHIFT_LEFT, ...get(LENGTH), ...store(LENGTHS_AT, COLUMNS)],
    ...[...get(LINE), ...constant(6), SHIFT_LEFT, ...set(PLACE)],
    ...[LOOP, EMPTY_BLOCK, ...takeChunk],
    ...[...get(PLACE), ...get(CHUNK), ...store16(TEXTS_AT, COLUMNS)],
    // As `isId` of the line index.
    ...[...bytesOf(idLowHalf), ...get(CHUNK), ...bytesOf(() => 0x0f), ...AND_16, ...SWIZZLE],
    ...bytesOf((half) => ID_HIGH_HALVES[half] ?? 0),
    ...[...get(CHUNK), ...constant(4), ...SHIFT_RIGHT_BYTES, ...SWIZZLE, ...AND_16],
    ...[...zeros, ...EQUAL_BYTES, ...get(MASK), ...AND_16, ...flawed],
    ...[...addTo(FROM, CHUNK_BYTES), ...addTo(PLACE, CHUNK_BYTES), ...addTo(LENGTH, -CHUNK_BYTES)],
    ...[...constant(0), ...get(LENGTH), LESS_SIGNED, BRANCH_IF, 0],
    END,
  ];
}

/** Whether a time of 13 bytes is 13 digits, the first of them no 0; they are in `CHUNK` then. */
export function digitsOf(field: FieldName): number[] {
  return [
    ...[...firstOf(placeOf(field)), ...load16(BLOCK_AT - BEFORE_DIGITS)],
    ...[...bytesOf(() => ZERO), ...SUB_BYTES],
    ...[...bytesOf((byte) => (byte < BEFORE_DIGITS ? 0 : 0xff)), ...AND_16, ...set(CHUNK)],
    ...[...get(CHUNK), ...bytesOf(() => 9), ...GREATER_BYTES_UNSIGNED, ...flawed],
    ...[...get(CHUNK), ...byteAt(BEFORE_DIGITS), IS_ZERO, ...wrong],
  ];
}

/** Puts down the number of the digits in `CHUNK`. */
export function timeOf(): number[] {
  const halves = (of: (half: number) => number) => bytesOf((byte) => (byte % 2 ? 0 : of(byte / 2)));
  const fourAnd = (word: number): Code => [
    ...[...get(CHUNK), ...wordOf(word), ...constant(10_000), MULTIPLY],
    ...[...get(CHUNK), ...wordOf(word + 1), ADD, TO_DOUBLE],
  ];
  return [
    // Two digits, then four.
    ...[...get(CHUNK), ...halves(() => 0xff), ...AND_16, ...halves(() => 10), ...MULTIPLY_HALVES],
    ...[...get(CHUNK), ...constant(8), ...SHIFT_RIGHT_HALVES, ...ADD_HALVES],
    ...[...halves((half) => (half % 2 ? 1 : 100)), ...DOT_HALVES, ...set(CHUNK)],
    ...[...get(LINE), ...constant(3), SHIFT_LEFT],
    ...[...fourAnd(0), ...double(1e8), MULTIPLY_DOUBLES, ...fourAnd(2), ADD_DOUBLES],
    ...storeDouble(TIMES_AT, COLUMNS),
  ];
}

/** Which of these words the field has, as the one bit of `FOUND` that is set. */
export function isWord(field: FieldName, words: readonly string[]): number[] {
  const found = words.flatMap((word, at) => {
    if (word.length > CHUNK_BYTES) throw new RangeError(`"${word}" is longer than a chunk`);
    const text = bytesOf((byte) => (byte < word.length ? word.charCodeAt(byte) : 0));
    const isIt = [...get(CHUNK), ...text, ...EQUAL_BYTES, ...ALL_BYTES];
    return [...isIt, ...constant(at), SHIFT_LEFT, ...(at === 0 ? [] : [OR])];
  });
  return [...turnTo(field), ...takeChunk, ...found, TEE, FOUND, IS_ZERO, ...wrong];
}

/** Reads a name as `SpanHash` does, into its row. */
export function named(field: FieldName, place: number): number[] {
  const row = NAMES_AT + place * NAME_BYTES;
  const word = (at: number) => row + 4 * at;
  return [
    ...turnTo(field),
    ...[...get(NAMES_ROW), ...get(FROM), ...store(word(TEXT_WORD.start), COLUMNS)],
    ...[...get(NAMES_ROW), ...get(LENGTH), ...store(word(TEXT_WORD.length), COLUMNS)],
    // What is stored at last: the address, and below the hash the part of it that is of the length.
    ...[...get(NAMES_ROW), ...get(LENGTH), ...constant(0), ...load(FIRST_FACTORS_AT, COLUMNS)],
    ...[MULTIPLY, ...takeChunk],
    ...[...get(NAMES_ROW), ...get(CHUNK), ...store16(word(TEXT_WORD.head), COLUMNS)],
    ...[...constant(0), ...set(FACTOR), ...summed(), ...set(TURNS), ...set(SUMS)],
    ...[...get(LENGTH), ...constant(CHUNK_BYTES), GREATER_UNSIGNED, IF, EMPTY_BLOCK],
    ...[LOOP, EMPTY_BLOCK],
    ...[...addTo(FACTOR, FACTOR_BYTES), ...addTo(FROM, CHUNK_BYTES)],
    ...[...addTo(LENGTH, -CHUNK_BYTES), ...takeChunk, ...summed()],
    ...[...get(TURNS), ...ADD_WORDS, ...set(TURNS), ...get(SUMS), ...ADD_WORDS, ...set(SUMS)],
    ...[...get(LENGTH), ...constant(CHUNK_BYTES), GREATER_UNSIGNED, BRANCH_IF, 0],
    ...[END, END],
    ...[...hash(), ...store(word(TEXT_WORD.hash), COLUMNS)],
  ];
}

/** The products of the chunk's words, and of the same turned, with their factors. */
function summed(): number[] {
  const turned = Array.from({ length: CHUNK_BYTES }, (_none, byte) => byte ^ 2);
  return [
    ...[...get(CHUNK), ...get(FACTOR), ...load16(FACTORS_AT, COLUMNS), ...MULTIPLY_WORDS],
    ...[...get(CHUNK), ...get(CHUNK), ...SHUFFLE, ...turned],
    ...[...get(FACTOR), ...load16(FACTORS_AT + CHUNK_BYTES, COLUMNS), ...MULTIPLY_WORDS],
  ];
}

/** Of the sums, and of the length's part that is on the stack: as `SpanHash` ends. */
function hash(): number[] {
  const taken = (words: readonly number[]): Code => [
    ...[...get(SUMS), ...get(TURNS), ...SHUFFLE],
    ...words.flatMap((word) => [4 * word, 4 * word + 1, 4 * word + 2, 4 * word + 3]),
  ];
  const exchanged = Array.from({ length: CHUNK_BYTES }, (_none, byte) => byte ^ 4);
  const mixed = (shift: number): Code => [
    ...[TEE, FOUND, ...get(FOUND), ...constant(shift), SHIFT_RIGHT, XOR],
  ];
  return [
    ...[...taken([0, 1, 4, 5]), ...taken([2, 3, 6, 7]), ...ADD_WORDS, ...set(SUMS)],
    ...[...get(SUMS), ...get(SUMS), ...get(SUMS), ...SHUFFLE, ...exchanged],
    ...[...ADD_WORDS, ...set(SUMS)],
    ...[...get(SUMS), ...wordOf(0), ADD],
    ...[...get(SUMS), ...wordOf(2), ...constant(0), ...load(FIRST_FACTORS_AT + 4, COLUMNS), ADD],
    ...[...constant(13), ROTATE_LEFT, XOR],
    // As `mix`.
    ...[...mixed(16), ...constant(0x85ebca6b), MULTIPLY],
    ...[...mixed(13), ...constant(0xc2b2ae35), MULTIPLY, ...mixed(16)],
  ];
}

/** How a table of `IdSet` is divided in two: one of the functions of its module. */
import type { Code } from "@trueclick/shared/wasm/encoding";
import {
  ADD,
  AND,
  AND_16,
  BRANCH_IF,
  CONST_16,
  constant,
  EMPTY_BLOCK,
  END,
  EQUAL,
  GREATER_WORDS,
  get,
  IS_ZERO,
  LESS_UNSIGNED,
  LOOP,
  load,
  load16,
  loadHalf,
  SHIFT_LEFT,
  SHIFT_RIGHT,
  SPLAT_WORD,
  SUB,
  set,
  store,
  store16,
  tee,
  VALUE_I32,
} from "@trueclick/shared/wasm/instructions";
import { ASIDE_AT, FIRSTS_AT } from "./idGroupModule.ts";
import {
  GROUP,
  LINE_BYTES,
  LOG_PAGE_BITS,
  LOG_PAGE_IDS,
  PAGE_BITS,
  PAGE_BYTES,
  STORE,
} from "./idSetLayout.ts";

const LOG_PAGES = 0;
const ZEROS = 1;
const ONES = 2;
const BIT = 3;
const PLACE_MASK = 4;
export const DIVIDE_PARAMETERS = 5;
const AT = 5;
const LINE = 6;
const SLOT = 7;
const FIRST_WORD = 8;
const ZEROS_END = 9;
const ONES_END = 10;
const ASIDE = 11;
const IS_HOME = 12;
const IS_ONE = 13;
const PLACE = 14;
export const DIVIDE_LOCALS: Code = [1, ...[PLACE - AT + 1, VALUE_I32]];

/** The address of an id, by where the log's pages are told and its place. */
export function inLog(logPages: number, place: number): number[] {
  return [
    ...[...get(logPages), ...get(place), ...constant(LOG_PAGE_BITS), SHIFT_RIGHT],
    ...[...constant(1), SHIFT_LEFT, ADD, ...loadHalf(0, STORE)],
    ...[...constant(PAGE_BITS), SHIFT_LEFT, ...get(place), ...constant(LOG_PAGE_IDS - 1), AND],
    ...[...constant(4), SHIFT_LEFT, ADD],
  ];
}

/**
 * `divide(logPages, zeros, ones, bit, placeMask)`: of the ids of the table at `zeros`, those whose first words have a 1 in that
 * bit go to the same lines of the empty table at `ones`. Slots that are not in the lines of their ids are
 * put aside, to `ASIDE_AT`; it answers how many. There is no jump, since it would be guessed wrong for every other id.
 */
export function divide(): number[] {
  return [
    // Read before, all of them: nothing here waits for what was read.
    ...each(AT, 4, [...get(AT), ...constant(PAGE_BYTES), LESS_UNSIGNED], firstWord()),
    ...[...constant(0), ...set(AT)],
    ...each(
      LINE,
      LINE_BYTES,
      [...get(LINE), ...constant(PAGE_BYTES), LESS_UNSIGNED],
      [
        ...[...get(LINE), ...tee(ZEROS_END), ...set(ONES_END)],
        ...each(
          AT,
          4,
          [...get(AT), ...get(LINE), ...constant(LINE_BYTES), ADD, LESS_UNSIGNED],
          slot(),
        ),
        ...freed(ZEROS, ZEROS_END),
        ...freed(ONES, ONES_END),
      ],
    ),
    ...[...get(ASIDE), ...constant(2), SHIFT_RIGHT],
  ];
}

/** Does it once, and again as long as the local, raised by so much, is within bounds. */
function each(local: number, step: number, isWithin: Code, body: Code): number[] {
  return [
    ...[LOOP, EMPTY_BLOCK, ...body],
    ...[...get(local), ...constant(step), ADD, ...set(local)],
    ...[...isWithin, BRANCH_IF, 0, END],
  ];
}

function firstWord(): number[] {
  return [
    ...[...get(ZEROS), ...get(AT), ADD, ...load(0, STORE), ...get(PLACE_MASK), AND, ...set(PLACE)],
    ...[...get(AT), ...inLog(LOG_PAGES, PLACE), ...load(0, STORE), ...store(FIRSTS_AT, GROUP)],
  ];
}

/** Written to all three, and kept in one. None is written further than it was read. */
function slot(): number[] {
  const kept = (end: number, isKept: Code): Code => [
    ...[...get(end), ...isKept, ...constant(2), SHIFT_LEFT, ADD, ...set(end)],
  ];
  const isUsed = [...get(SLOT), IS_ZERO, IS_ZERO];
  return [
    ...[...get(ZEROS), ...get(AT), ADD, ...load(0, STORE), ...set(SLOT)],
    ...[...get(AT), ...load(FIRSTS_AT, GROUP), ...set(FIRST_WORD)],
    ...[...get(FIRST_WORD), ...constant(6), SHIFT_LEFT, ...constant(PAGE_BYTES - 1), AND],
    ...[...get(LINE), EQUAL, ...isUsed, AND, ...set(IS_HOME)],
    ...[...get(FIRST_WORD), ...get(BIT), SHIFT_RIGHT, ...get(IS_HOME), AND, ...set(IS_ONE)],
    ...[...get(ZEROS), ...get(ZEROS_END), ADD, ...get(SLOT), ...store(0, STORE)],
    ...kept(ZEROS_END, [...get(IS_HOME), ...get(IS_ONE), SUB]),
    ...[...get(ONES), ...get(ONES_END), ADD, ...get(SLOT), ...store(0, STORE)],
    ...kept(ONES_END, get(IS_ONE)),
    ...[...get(ASIDE), ...get(SLOT), ...store(ASIDE_AT, GROUP)],
    ...kept(ASIDE, [...isUsed, ...get(IS_HOME), SUB]),
  ];
}

/** Frees the slots of the line from the end of what was kept. */
function freed(table: number, end: number): number[] {
  return [0, 1, 2, 3].flatMap((row) => {
    const places = [0, 4, 8, 12].flatMap((place) => [16 * row + place, 0, 0, 0]);
    const address = [...get(table), ...get(LINE), ADD];
    return [
      ...[...address, ...address, ...load16(16 * row, STORE)],
      ...[...get(end), ...get(LINE), SUB, ...SPLAT_WORD, ...CONST_16, ...places, ...GREATER_WORDS],
      ...[...AND_16, ...store16(16 * row, STORE)],
    ];
  });
}

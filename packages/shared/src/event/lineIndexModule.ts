/**
 * The module behind `LineIndex`: where the special bytes of a line lie, sixteen bytes at a time, as
 * simdjson's first stage does it (Langdale and Lemire 2019), and whether a line's keys are those
 * that are expected. Put together here instruction by instruction, so that there is neither a
 * compiler to install nor a binary to trust.
 */
import { type Code, name, PREAMBLE, section, sized } from "../wasm/encoding.ts";
import {
  ADD,
  AND,
  AND_16,
  ANY,
  BITMASK,
  BRANCH_IF,
  CONST_16,
  constant,
  EMPTY_BLOCK,
  END,
  EQUAL_BYTES,
  FUNCTION,
  get,
  IF,
  IS_ZERO,
  LESS_BYTES,
  LESS_UNSIGNED,
  LOOP,
  load,
  load16,
  ONES,
  OR_16,
  RETURN,
  SELECT,
  SHIFT_LEFT,
  SHIFT_RIGHT,
  SHIFT_RIGHT_BYTES,
  SUB,
  SWIZZLE,
  set,
  store,
  TEE,
  TRAILING_ZEROS,
  VALUE_I32,
  VALUE_V128,
  XOR,
  XOR_16,
} from "../wasm/instructions.ts";

/** Positions of one line at most. One with more is no line that the edge writes. */
export const POSITIONS_MAX = 256;
/** Bytes looked at together. */
export const CHUNK_BYTES = 16;
/** Bytes of an expectation's text at most; another as many say which of them it has. */
export const EXPECTED_BYTES = 2 * CHUNK_BYTES;
/**
 * An expectation: two words, which position (its address) and how far before it the text begins,
 * two unused ones, the text, and a byte of ones for each of its bytes.
 */
export const EXPECTATION_BYTES = CHUNK_BYTES + 2 * EXPECTED_BYTES;
/** The expectations of one line, at most, and lines for which there are some. */
export const EXPECTATIONS_MAX = 24;
export const SLOTS_MAX = 16;
/** Behind the positions, those of one more chunk among them. */
export const SLOTS_AT = 2_048;
export const SLOT_BYTES = EXPECTATIONS_MAX * EXPECTATION_BYTES;
/** Left to who reads lines with code of its own: see `LineIndex.parts`. */
export const SPARE_AT = SLOTS_AT + SLOTS_MAX * SLOT_BYTES;
export const SPARE_BYTES = 12_288;
/** Where the block lies. */
export const BLOCK_AT = SPARE_AT + SPARE_BYTES;
/** Positions of a chunk that are put down without asking whether there are so many. */
const UNASKED = 4;

const AT = 0;
const OUT = 1;
const MASK = 2;
const FEEDS = 3;
const NEXT = 4;
const BYTES = 5;
const QUOTE = 6;
const BACKSLASH = 7;
const SPACE = 8;
const LINE_FEED = 9;

const splat = (character: string, local: number): Code => [
  ...CONST_16,
  ...Array.from({ length: CHUNK_BYTES }, () => character.charCodeAt(0)),
  ...set(local),
];

/**
 * The module's bytes. It imports `memory` and exports
 *
 * - `index(at)`: from `at` of the block on, the positions of all quotes, backslashes, bytes below a
 *   space and bytes beyond ASCII are put at 0 as words, up to and with the first line feed; it
 *   answers how many. Without a line feed it ends behind the first chunk that makes them more than
 *   there may be.
 * - `matches(from, to)`: 1 if the expectations of the addresses `[from, to)` hold of the positions
 *   that were found last, else 0;
 * - `isId(position)`: 1 if an event id may have all bytes between the position of that address and
 *   the next one, else 0.
 */
export function lineIndexModuleBytes(): Uint8Array<ArrayBuffer> {
  const locals = [2, ...[4, VALUE_I32], ...[5, VALUE_V128]];
  return Uint8Array.from([
    ...PREAMBLE,
    ...section(1, [
      ...[2, FUNCTION, ...[1, VALUE_I32], ...[1, VALUE_I32]],
      ...[FUNCTION, ...[2, VALUE_I32, VALUE_I32], ...[1, VALUE_I32]],
    ]),
    ...section(2, [1, ...name("host"), ...name("memory"), 0x02, ...[0x00, 1]]),
    ...section(3, [3, 0, 1, 0]),
    ...section(7, [
      ...[3, ...name("index"), 0x00, 0, ...name("matches"), 0x00, 1],
      ...[...name("isId"), 0x00, 2],
    ]),
    ...section(10, [
      3,
      ...sized([...locals, ...index(), END]),
      ...sized([...[2, ...[1, VALUE_I32], ...[1, VALUE_V128]], ...matches(), END]),
      ...sized([...[2, ...[2, VALUE_I32], ...[4, VALUE_V128]], ...isId(), END]),
    ]),
  ]);
}

function index(): number[] {
  return [
    ...[...splat('"', QUOTE), ...splat("\\", BACKSLASH)],
    ...[...splat(" ", SPACE), ...splat("\n", LINE_FEED)],
    ...[LOOP, EMPTY_BLOCK],
    ...[...get(AT), ...load16(BLOCK_AT), ...set(BYTES)],
    ...[...get(BYTES), ...get(LINE_FEED), ...EQUAL_BYTES, ...BITMASK, ...set(FEEDS)],
    ...special(),
    // Nothing behind the first line feed.
    ...[...get(FEEDS), ...get(FEEDS), ...constant(1), SUB, XOR, AND, ...set(MASK)],
    ...positions(),
    ...[...get(AT), ...constant(CHUNK_BYTES), ADD, ...set(AT)],
    ...[...get(OUT), ...constant(4 * POSITIONS_MAX), LESS_UNSIGNED],
    ...[...get(FEEDS), IS_ZERO, AND, BRANCH_IF, 0],
    END,
    ...[...get(OUT), ...constant(2), SHIFT_RIGHT],
  ];
}

/** One bit for each special byte. Read as signed, those beyond ASCII are below a space too. */
function special(): number[] {
  return [
    ...[...get(BYTES), ...get(QUOTE), ...EQUAL_BYTES],
    ...[...get(BYTES), ...get(BACKSLASH), ...EQUAL_BYTES, ...OR_16],
    ...[...get(BYTES), ...get(SPACE), ...LESS_BYTES, ...OR_16],
    ...BITMASK,
  ];
}

/**
 * The mask's bits as positions. Some are put down whether they are there or not, and written over if
 * not: a jump that is taken at random costs more.
 */
function positions(): number[] {
  const clearLowest = [...get(MASK), ...get(MASK), ...constant(1), SUB, AND];
  const put = (place: number) => [
    ...[...get(OUT), ...get(AT), ...get(MASK), TRAILING_ZEROS, ADD],
    ...store(4 * place),
  ];
  const unasked = Array.from({ length: UNASKED }, (_none, place) => [
    ...put(place),
    ...[...clearLowest, ...set(MASK)],
  ]).flat();
  return [
    ...[...get(OUT), ...get(MASK), ONES, ...constant(2), SHIFT_LEFT, ADD, ...set(NEXT)],
    ...unasked,
    ...[...get(MASK), IF, EMPTY_BLOCK],
    ...[...get(OUT), ...constant(4 * UNASKED), ADD, ...set(OUT)],
    ...[LOOP, EMPTY_BLOCK],
    ...put(0),
    ...[...get(OUT), ...constant(4), ADD, ...set(OUT)],
    ...[...clearLowest, TEE, MASK, BRANCH_IF, 0],
    ...[END, END],
    ...[...get(NEXT), ...set(OUT)],
  ];
}

const EXPECTATION = 0;
const EXPECTATION_END = 1;
const TEXT_AT = 2;
const DIFFERENCES = 3;

function matches(): number[] {
  const differing = (place: number) => [
    ...[...get(TEXT_AT), ...load16(place)],
    ...[...get(EXPECTATION), ...load16(CHUNK_BYTES + place), ...XOR_16],
    ...[...get(EXPECTATION), ...load16(CHUNK_BYTES + EXPECTED_BYTES + place), ...AND_16],
  ];
  return [
    ...[LOOP, EMPTY_BLOCK],
    ...[...get(EXPECTATION), ...load(0), ...load(0)],
    // Added here, where it wraps: a text may begin before the block.
    ...[...get(EXPECTATION), ...load(4), SUB, ...constant(BLOCK_AT), ADD, ...set(TEXT_AT)],
    ...[...differing(0), ...differing(CHUNK_BYTES), ...OR_16],
    ...[...get(DIFFERENCES), ...OR_16, ...set(DIFFERENCES)],
    ...[...get(EXPECTATION), ...constant(EXPECTATION_BYTES), ADD, TEE, EXPECTATION],
    ...[...get(EXPECTATION_END), LESS_UNSIGNED, BRANCH_IF, 0],
    END,
    ...[...get(DIFFERENCES), ...ANY, IS_ZERO],
  ];
}

const ID_AT = 0;
const ID_END = 1;
const WRONG = 2;
const ID_BYTES = 3;
const BY_LOW = 4;
const BY_HIGH = 5;
const LOW_BITS = 6;

/**
 * Letters, digits and `_.:-` by the two halves of a byte: it is one of them if what the tables say of
 * both has a bit in common. The bits stand for `-.`, digits and what follows `p`, letters from the
 * first on, and the rest of the capitals with the underscore.
 */
const bytesOf = (of: (half: number) => number): Code => [
  ...CONST_16,
  ...Array.from({ length: CHUNK_BYTES }, (_none, half) => of(half)),
];
export const ID_HIGH_HALVES: readonly number[] = [
  0, 0, 0b0001, 0b0010, 0b0100, 0b1000, 0b0100, 0b0010,
];
const LAST_OF_TEN = 0xa;

/** What the table says of a byte by its lower half; by its upper half, see `ID_HIGH_HALVES`. */
export function idLowHalf(half: number): number {
  const isMark = half === 0xd || half === 0xe;
  const isLow = half <= LAST_OF_TEN;
  return (
    (isMark ? 0b0001 : 0) |
    (isLow ? 0b0010 : 0) |
    (half > 0 ? 0b0100 : 0) |
    (isLow || half === 0xf ? 0b1000 : 0)
  );
}

function isId(): number[] {
  const left = [...get(ID_END), ...get(ID_AT), SUB];
  return [
    ...[...bytesOf(idLowHalf), ...set(BY_LOW)],
    ...[...bytesOf((half) => ID_HIGH_HALVES[half] ?? 0), ...set(BY_HIGH)],
    ...[...bytesOf(() => 0x0f), ...set(LOW_BITS)],
    ...[...get(ID_AT), ...load(4), ...set(ID_END)],
    ...[...get(ID_AT), ...load(0), ...constant(1), ADD, ...set(ID_AT)],
    ...[LOOP, EMPTY_BLOCK],
    ...[...get(ID_AT), ...load16(BLOCK_AT), ...set(ID_BYTES)],
    ...[...get(BY_LOW), ...get(ID_BYTES), ...get(LOW_BITS), ...AND_16, ...SWIZZLE],
    ...[...get(BY_HIGH), ...get(ID_BYTES), ...constant(4), ...SHIFT_RIGHT_BYTES, ...SWIZZLE],
    ...[...AND_16, ...bytesOf(() => 0), ...EQUAL_BYTES, ...BITMASK, ...set(WRONG)],
    // What lies behind the end is none of it.
    ...[...constant(1), ...left, SHIFT_LEFT, ...constant(1), SUB, ...constant(-1)],
    ...[...left, ...constant(CHUNK_BYTES), LESS_UNSIGNED, SELECT, ...get(WRONG), AND],
    ...[IF, EMPTY_BLOCK, ...constant(0), RETURN, END],
    ...[...get(ID_AT), ...constant(CHUNK_BYTES), ADD, TEE, ID_AT],
    ...[...get(ID_END), LESS_UNSIGNED, BRANCH_IF, 0],
    END,
    ...constant(1),
  ];
}

/**
 * The instructions that modules are put together from here (WebAssembly core specification, chapter 5.4), by the
 * names that they have in the text format as far as those can be said.
 */
import { type Code, signedLeb, unsignedLeb } from "./encoding.ts";

export const VALUE_I32 = 0x7f;
export const VALUE_F64 = 0x7c;
export const VALUE_V128 = 0x7b;
export const FUNCTION = 0x60;
export const EMPTY_BLOCK = 0x40;

export const BLOCK = 0x02;
export const LOOP = 0x03;
export const IF = 0x04;
export const ELSE = 0x05;
export const END = 0x0b;
export const BRANCH = 0x0c;
export const BRANCH_IF = 0x0d;
export const RETURN = 0x0f;
const CALL = 0x10;
export const SELECT = 0x1b;
export const GET = 0x20;
export const SET = 0x21;
export const TEE = 0x22;
export const CONST = 0x41;

export const IS_ZERO = 0x45;
export const EQUAL = 0x46;
export const NOT_EQUAL = 0x47;
export const LESS_SIGNED = 0x48;
export const LESS_UNSIGNED = 0x49;
export const GREATER_UNSIGNED = 0x4b;
export const NOT_LESS_SIGNED = 0x4e;
export const TRAILING_ZEROS = 0x68;
export const ONES = 0x69;
export const ADD = 0x6a;
export const SUB = 0x6b;
export const MULTIPLY = 0x6c;
export const AND = 0x71;
export const OR = 0x72;
export const XOR = 0x73;
export const SHIFT_LEFT = 0x74;
/** Zeros come in from above. */
export const SHIFT_RIGHT = 0x76;
export const ROTATE_LEFT = 0x77;
export const ROTATE_RIGHT = 0x78;

export const ADD_DOUBLES = 0xa0;
export const MULTIPLY_DOUBLES = 0xa2;
/** Of a word without a sign. */
export const TO_DOUBLE = 0xb8;

const LOAD = 0x28;
const LOAD_8_UNSIGNED = 0x2d;
const LOAD_16_UNSIGNED = 0x2f;
const STORE = 0x36;
const STORE_DOUBLE = 0x39;
const CONST_DOUBLE = 0x44;

/** Instructions on sixteen bytes begin with this. */
const VECTOR = 0xfd;
const vector = (number: number): Code => [VECTOR, ...unsignedLeb(number)];

export const CONST_16 = vector(0x0c);
export const SHUFFLE = vector(0x0d);
/** The bytes of the first that the second names; 0 for a name above 15. */
export const SWIZZLE = vector(0x0e);
export const SPLAT_BYTE = vector(0x0f);
export const SPLAT_WORD = vector(0x11);
export const EQUAL_BYTES = vector(0x23);
export const LESS_BYTES = vector(0x25);
export const LESS_BYTES_UNSIGNED = vector(0x26);
export const GREATER_BYTES_UNSIGNED = vector(0x28);
export const EQUAL_WORDS = vector(0x37);
export const GREATER_WORDS = vector(0x3b);
export const AND_16 = vector(0x4e);
export const OR_16 = vector(0x50);
export const XOR_16 = vector(0x51);
/** Of three: the bits of the first where the third has ones, of the second elsewhere. */
export const CHOOSE_BITS = vector(0x52);
export const ANY = vector(0x53);
/** Whether no byte is zero. */
export const ALL_BYTES = vector(0x63);
export const BITMASK = vector(0x64);
export const NARROW_HALVES = vector(0x65);
/** Of each byte; zeros come in from above. */
export const SHIFT_RIGHT_BYTES = vector(0x6d);
export const SUB_BYTES = vector(0x71);
export const NARROW_WORDS = vector(0x85);
/** Of two bytes each; zeros come in from above. */
export const SHIFT_RIGHT_HALVES = vector(0x8d);
export const ADD_HALVES = vector(0x8e);
export const MULTIPLY_HALVES = vector(0x95);
export const SHIFT_LEFT_WORDS = vector(0xab);
export const SHIFT_RIGHT_WORDS = vector(0xad);
export const ADD_WORDS = vector(0xae);
export const SUB_WORDS = vector(0xb1);
export const MULTIPLY_WORDS = vector(0xb5);
/** Of two bytes each, with a sign: products side by side are added up to a word. */
export const DOT_HALVES = vector(0xba);
const LOAD_16_BYTES = vector(0x00);
const SPLAT_FROM_MEMORY = vector(0x09);
const STORE_16_BYTES = vector(0x0b);

const BYTE_AT = vector(0x16);
const WORD_AT = vector(0x1b);

/** One byte of sixteen, without a sign; one word of four. */
export const byteAt = (place: number): Code => [...BYTE_AT, place];
export const wordOf = (place: number): Code => [...WORD_AT, place];

export const call = (number: number): Code => [CALL, ...unsignedLeb(number)];
export const get = (local: number): Code => [GET, local];
export const set = (local: number): Code => [SET, local];
export const tee = (local: number): Code => [TEE, local];
export const constant = (value: number): Code => [CONST, ...signedLeb(value | 0)];

export const double = (value: number): Code => [
  CONST_DOUBLE,
  ...new Uint8Array(Float64Array.of(value).buffer),
];

/** Of which memory, how far behind the address on the stack. Addresses need not be aligned. */
function place(offset: number, memory: number): Code {
  const isFirst = memory === 0;
  return [...(isFirst ? [0] : [0x40, memory]), ...unsignedLeb(offset)];
}

export const load = (offset: number, memory = 0): Code => [LOAD, ...place(offset, memory)];
export const store = (offset: number, memory = 0): Code => [STORE, ...place(offset, memory)];
export const storeDouble = (offset: number, memory = 0): Code => [
  STORE_DOUBLE,
  ...place(offset, memory),
];
/** A byte, without a sign. */
export const loadByte = (offset: number, memory = 0): Code => [
  LOAD_8_UNSIGNED,
  ...place(offset, memory),
];
/** Two bytes, without a sign. */
export const loadHalf = (offset: number, memory = 0): Code => [
  LOAD_16_UNSIGNED,
  ...place(offset, memory),
];
export const load16 = (offset: number, memory = 0): Code => [
  ...LOAD_16_BYTES,
  ...place(offset, memory),
];
export const store16 = (offset: number, memory = 0): Code => [
  ...STORE_16_BYTES,
  ...place(offset, memory),
];
/** A word, four times over. */
export const loadSplat = (offset: number, memory = 0): Code => [
  ...SPLAT_FROM_MEMORY,
  ...place(offset, memory),
];

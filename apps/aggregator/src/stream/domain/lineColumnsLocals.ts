/** The locals of the function of `lineColumnsModule.ts`, and what all of its parts do with them. */
import { BLOCK_AT } from "@trueclick/shared/event/lineIndexModule";
import type { Code } from "@trueclick/shared/wasm/encoding";
import {
  AND_16,
  CONST_16,
  get,
  LESS_BYTES_UNSIGNED,
  load,
  load16,
  SPLAT_BYTE,
  SUB,
  set,
  tee,
} from "@trueclick/shared/wasm/instructions";
import { SPAN_ENDS_AT, SPANS_AT } from "./lineColumnsLayout.ts";
import { type FieldName, fieldAt } from "./storedFields.ts";

const CHUNK_BYTES = 16;
const WORD_BYTES = 4;

/** The second memory, where the columns are. */
export const COLUMNS = 1;

export const [AT, BLOCK_END, LINE, LINES] = [0, 1, 2, 3] as const;
export const [COUNT, SHAPE, FEED, OP] = [4, 5, 6, 7] as const;
/** Of the value at hand. */
export const [FROM, LENGTH] = [8, 9] as const;
/** Not 0 if the line is left to others; bytes of ones for those that may not stand where they do. */
export const WRONG = 10;
export const FLAWS = 20;
export const [PLACE, SPANS, NAMES_ROW, FACTOR, FOUND] = [11, 12, 13, 14, 15] as const;
export const [CHUNK, SUMS, TURNS, MASK] = [16, 17, 18, 19] as const;
export const WORD_LOCALS = CHUNK - COUNT;
export const VECTOR_LOCALS = FLAWS - CHUNK + 1;

export const bytesOf = (of: (byte: number) => number): Code => [
  ...CONST_16,
  ...Array.from({ length: CHUNK_BYTES }, (_none, byte) => of(byte)),
];
export const zeros = bytesOf(() => 0);
const BYTES_IN_ORDER = bytesOf((byte) => byte);

/** Where a line keeps the place of a field, in bytes from its first one. */
export function placeOf(field: FieldName): number {
  return WORD_BYTES * fieldAt(field);
}

/** Where the field begins that is kept there. */
export function firstOf(place: number): Code {
  return [...get(SPANS), ...load(SPANS_AT + place, COLUMNS)];
}

/** Turns to a field. */
export function turnTo(field: FieldName): Code {
  const place = placeOf(field);
  const end = [...get(SPANS), ...load(SPAN_ENDS_AT + place, COLUMNS)];
  return [...firstOf(place), ...set(FROM), ...end, ...get(FROM), SUB, ...set(LENGTH)];
}

/** Sixteen bytes of the value, with zeros behind its end; which are of it is in `MASK`. */
export const takeChunk: Code = [
  ...[...BYTES_IN_ORDER, ...get(LENGTH), ...SPLAT_BYTE, ...LESS_BYTES_UNSIGNED, ...tee(MASK)],
  ...[...get(FROM), ...load16(BLOCK_AT), ...AND_16, ...set(CHUNK)],
];

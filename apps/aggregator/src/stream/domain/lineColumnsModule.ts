/**
 * The module behind `LineColumns`: reads lines of known shapes one after the other, from the bytes of a
 * block into columns, and hashes their names on the way.
 */
import { BLOCK_AT } from "@trueclick/shared/event/lineIndexModule";
import { DEVICES, EVENT_TYPES } from "@trueclick/shared/event/stored";
import { type Code, name, PREAMBLE, section, sized } from "@trueclick/shared/wasm/encoding";
import {
  ADD,
  AND,
  ANY,
  BLOCK,
  BRANCH,
  BRANCH_IF,
  call,
  constant,
  EMPTY_BLOCK,
  END,
  FUNCTION,
  GREATER_UNSIGNED,
  get,
  IS_ZERO,
  LESS_UNSIGNED,
  LOOP,
  load,
  loadByte,
  MULTIPLY,
  NOT_EQUAL,
  NOT_LESS_SIGNED,
  OR,
  SHIFT_LEFT,
  SUB,
  set,
  store,
  TEE,
  TRAILING_ZEROS,
  VALUE_I32,
  VALUE_V128,
} from "@trueclick/shared/wasm/instructions";
import {
  ENDS_AT,
  NAME_BYTES,
  NAME_FIELDS,
  NEXT_AT,
  OP_BYTE,
  OP_BYTES,
  OP_WORD,
  OPS_AT,
  SHAPE_WORD,
  SPAN_ENDS_AT,
  SPANS_AT,
  SPANS_BYTES,
  STARTS_AT,
  TABLE_AT,
  TYPES_AT,
} from "./lineColumnsLayout.ts";
import {
  AT,
  BLOCK_END,
  COLUMNS,
  COUNT,
  FEED,
  FLAWS,
  FOUND,
  FROM,
  firstOf,
  LENGTH,
  LINE,
  LINES,
  NAMES_ROW,
  OP,
  PLACE,
  placeOf,
  SHAPE,
  SPANS,
  VECTOR_LOCALS,
  WORD_LOCALS,
  WRONG,
  zeros,
} from "./lineColumnsLocals.ts";
import { digitsOf, idText, isWord, named, timeOf } from "./lineColumnsValues.ts";

const INDEX_FUNCTION = 0;
const MATCHES_FUNCTION = 1;
const QUOTE = 0x22;
const CLOSE = 0x7d;
const ONE = 0x31;
/** From the first digit to the last. */
const DIGITS_FROM_ONE = 8;

/**
 * The module's bytes. It imports both memories, `index` and `matches` of the line index, and exports
 * `read(at, end, line, lines)`: reads lines from `at` of the block on into the columns from `line` on,
 * up to `lines` of them, the block's end, or a line that it leaves to others. It answers which line
 * is the next, and puts down where in the block that begins.
 */
export function lineColumnsModuleBytes(): Uint8Array<ArrayBuffer> {
  const functionOf = (parameters: number): Code => [
    ...[FUNCTION, parameters, ...Array.from({ length: parameters }, () => VALUE_I32)],
    ...[1, VALUE_I32],
  ];
  const memory = (host: string): Code => [...name(host), ...name("memory"), 0x02, ...[0x00, 1]];
  const imported = (what: string, type: number): Code => [
    ...[...name("block"), ...name(what), 0x00, type],
  ];
  const locals = [2, ...[WORD_LOCALS, VALUE_I32], ...[VECTOR_LOCALS, VALUE_V128]];
  return Uint8Array.from([
    ...PREAMBLE,
    ...section(1, [3, ...functionOf(1), ...functionOf(2), ...functionOf(4)]),
    ...section(2, [
      ...[4, ...memory("block"), ...memory("columns")],
      ...[...imported("index", 0), ...imported("matches", 1)],
    ]),
    ...section(3, [1, 2]),
    ...section(7, [1, ...name("read"), 0x00, 2]),
    ...section(10, [1, ...sized([...locals, ...read(), END])]),
  ]);
}

const column: Code = [...get(LINE), ...constant(2), SHIFT_LEFT];
/** Ends the reading before the line at hand, out of the loop over lines. */
const leaveIf: Code = [BRANCH_IF, 1];

function read(): number[] {
  return [
    ...[BLOCK, EMPTY_BLOCK, LOOP, EMPTY_BLOCK],
    ...[...get(LINE), ...get(LINES), NOT_LESS_SIGNED, ...leaveIf],
    ...[...get(AT), ...get(BLOCK_END), NOT_LESS_SIGNED, ...leaveIf],
    ...shape(),
    ...[...get(LINE), ...constant(SPANS_BYTES), MULTIPLY, ...set(SPANS)],
    ...[...get(LINE), ...constant(NAME_BYTES * NAME_FIELDS.length), MULTIPLY, ...set(NAMES_ROW)],
    ...[...constant(0), ...set(WRONG), ...zeros, ...set(FLAWS)],
    ...spans(),
    // What is copied or hashed from here on has a length that there is room for.
    ...[...get(WRONG), ...leaveIf],
    ...[...idText(), ...version()],
    ...[...digitsOf("ingest_time"), ...digitsOf("event_time"), ...timeOf()],
    ...[...isWord("event_type", EVENT_TYPES), ...column],
    ...[...get(FOUND), TRAILING_ZEROS, ...store(TYPES_AT, COLUMNS)],
    ...isWord("device", DEVICES),
    ...[...get(FLAWS), ...ANY, ...get(WRONG), OR, ...leaveIf],
    ...NAME_FIELDS.flatMap(named),
    ...[...column, ...get(AT), ...store(STARTS_AT, COLUMNS)],
    ...[...column, ...get(FEED), ...store(ENDS_AT, COLUMNS)],
    ...[...get(FEED), ...constant(1), ADD, ...set(AT)],
    ...[...get(LINE), ...constant(1), ADD, ...set(LINE)],
    ...[BRANCH, 0, END, END],
    ...[...constant(0), ...get(AT), ...store(NEXT_AT, COLUMNS)],
    ...get(LINE),
  ];
}

/** The shape that the line has, asked as `LineShapes` and `LineScanner` ask for it. */
function shape(): number[] {
  return [
    ...[...get(AT), ...call(INDEX_FUNCTION), TEE, COUNT],
    ...[...constant(2), SHIFT_LEFT, ...load(TABLE_AT), TEE, SHAPE, IS_ZERO, ...leaveIf],
    ...[...constant(0), ...load(0), ...get(AT), ...constant(1), ADD, NOT_EQUAL, ...leaveIf],
    ...[...get(SHAPE), ...load(SHAPE_WORD.from), ...get(SHAPE), ...load(SHAPE_WORD.end)],
    ...[...call(MATCHES_FUNCTION), IS_ZERO, ...leaveIf],
    ...[...get(COUNT), ...constant(1), SUB, ...constant(2), SHIFT_LEFT, ...load(0), TEE, FEED],
    ...[...loadByte(BLOCK_AT - 1), ...constant(CLOSE), NOT_EQUAL, ...leaveIf],
    // A quote ends a last text, and nothing stands between it and the brace.
    ...[...get(FEED), ...loadByte(BLOCK_AT - 2), ...constant(QUOTE), NOT_EQUAL],
    ...[...get(SHAPE), ...load(SHAPE_WORD.isText), AND, ...leaveIf],
  ];
}

/** Where the fields begin and end, and whether they are as long as they may be. */
function spans(): number[] {
  const byteOf = (at: number): Code => [...get(OP), ...loadByte(at)];
  return [
    ...[...get(SHAPE), ...constant(OPS_AT), ADD, ...set(OP)],
    ...[LOOP, EMPTY_BLOCK],
    ...[...get(OP), ...load(OP_WORD.before), ...load(0), ...byteOf(OP_BYTE.start), ADD],
    ...set(FROM),
    ...[...get(OP), ...load(OP_WORD.behind), ...load(0), ...byteOf(OP_BYTE.end), SUB],
    ...[...get(FROM), SUB, ...set(LENGTH)],
    ...[...get(LENGTH), ...byteOf(OP_BYTE.lengthMin), SUB, ...byteOf(OP_BYTE.lengthRange)],
    ...[GREATER_UNSIGNED, ...get(WRONG), OR, ...set(WRONG)],
    ...[...get(SPANS), ...byteOf(OP_BYTE.span), ADD, TEE, PLACE],
    ...[...get(FROM), ...store(SPANS_AT, COLUMNS)],
    ...[...get(PLACE), ...get(FROM), ...get(LENGTH), ADD, ...store(SPAN_ENDS_AT, COLUMNS)],
    ...[...get(OP), ...constant(OP_BYTES), ADD, TEE, OP],
    ...[...get(SHAPE), ...load(SHAPE_WORD.opsEnd), LESS_UNSIGNED, BRANCH_IF, 0],
    END,
  ];
}

/** One digit, and not 0. */
function version(): number[] {
  return [
    ...[...firstOf(placeOf("schema_version")), ...loadByte(BLOCK_AT), ...constant(ONE), SUB],
    ...[...constant(DIGITS_FROM_ONE), GREATER_UNSIGNED, ...get(WRONG), OR, ...set(WRONG)],
  ];
}

/** What `LineColumns` knows of shapes, as it lies before the block in the memory of the line index. */
import {
  NAME_FIELDS,
  OP_BYTE,
  OP_BYTES,
  OP_WORD,
  OPS_AT,
  SHAPE_BYTES,
  SHAPE_WORD,
  SHAPES_AT,
  TABLE_AT,
  ZERO_AT,
} from "./lineColumnsLayout.ts";
import {
  EPOCH_MS_DIGITS,
  FIELDS,
  type FieldName,
  fieldAt,
  isQuoted,
  KIND,
  KINDS,
  LENGTH_UNLIMITED,
  LENGTHS_MAX,
  LENGTHS_MIN,
} from "./storedFields.ts";

const WORD_BYTES = 4;
/** Fields that lines seldom have: such lines are left to others. */
const RARE: ReadonlySet<FieldName> = new Set(["conversion_value_micros", "test", "ext"]);
const FLAGS_LENGTHS = { min: 2, max: 255 };
const WORD_LENGTHS = { min: 1, max: 16 };

/**
 * Which fields a line has, in which order, and which of its special bytes stand at them. Lines of
 * one shape differ in their values only.
 */
export interface LineShape {
  /** Of special bytes, the line feed included. */
  readonly specials: number;
  /**
   * By place in `FIELDS`: which special byte begins a text, or is the last of the key of anything
   * else; 0 for a field that is not there.
   */
  readonly values: Uint8Array;
  /** Which special byte begins the key of the next field; that of the last field is the line feed. */
  readonly nexts: Uint8Array;
  readonly lastField: number;
}

interface Field {
  readonly field: number;
  /** Addresses of positions. */
  readonly before: number;
  readonly behind: number;
  /** From the position before to the value, and from its end to the position behind. */
  readonly start: number;
  readonly end: number;
  readonly min: number;
  readonly max: number;
}

/** Puts a shape where lines of so many special bytes look for theirs, or none if it has other fields. */
export function putShape(
  memory: DataView,
  slot: number,
  shape: LineShape,
  [from, end]: readonly [from: number, end: number],
): void {
  const fields = FIELDS.map((_field, at) => fieldOf(shape, at));
  const isPlain = FIELDS.every(({ name }, at) => !RARE.has(name) || shape.values[at] === 0);
  dropShape(memory, shape.specials);
  if (!isPlain) return;
  const at = SHAPES_AT + slot * SHAPE_BYTES;
  let to = at + OPS_AT;
  for (const field of fields) {
    if (field === null) continue;
    putField(memory, to, field);
    to += OP_BYTES;
  }
  memory.setInt32(at + SHAPE_WORD.from, from, true);
  memory.setInt32(at + SHAPE_WORD.end, end, true);
  memory.setInt32(at + SHAPE_WORD.isText, isQuoted(shape.lastField) ? 1 : 0, true);
  memory.setInt32(at + SHAPE_WORD.opsEnd, to, true);
  memory.setInt32(TABLE_AT + WORD_BYTES * shape.specials, at, true);
}

/** Lines of so many special bytes have no known shape any more. */
export function dropShape(memory: DataView, specials: number): void {
  memory.setInt32(TABLE_AT + WORD_BYTES * specials, 0, true);
}

/** What is asked of a field; null if nothing is. */
function fieldOf({ values, nexts }: LineShape, field: number): Field | null {
  const value = values[field] ?? 0;
  const isName = NAME_FIELDS.some((name) => fieldAt(name) === field);
  // A name that is not there is an empty one.
  const nowhere = { before: ZERO_AT, behind: ZERO_AT, start: 0, end: 0, min: 0, max: 0 };
  if (value === 0) return isName ? { field, ...nowhere } : null;
  const [before, own] = [WORD_BYTES * value, WORD_BYTES * (value + 1)];
  const number = { field, before, behind: WORD_BYTES * (nexts[field] ?? 0), start: 2, end: 1 };
  const text = { field, before, behind: own, start: 1, end: 0 };
  switch (KINDS[field]) {
    case KIND.version:
      return { ...number, min: 1, max: 1 };
    case KIND.integer:
    case KIND.eventTime:
      return { ...number, min: EPOCH_MS_DIGITS, max: EPOCH_MS_DIGITS };
    case KIND.flags:
      return { ...number, ...FLAGS_LENGTHS };
    case KIND.eventType:
    case KIND.device:
      return { ...text, ...WORD_LENGTHS };
    default:
      return textOf(text, field);
  }
}

/** A text of any length is passed over, as `LineScanner` does. */
function textOf(text: Omit<Field, "min" | "max">, field: number): Field | null {
  const [min, max] = [LENGTHS_MIN[field] ?? 0, LENGTHS_MAX[field] ?? 0];
  return min === 0 && max === LENGTH_UNLIMITED ? null : { ...text, min, max };
}

function putField(memory: DataView, at: number, { field, min, max, ...place }: Field): void {
  memory.setInt32(at + OP_WORD.before, place.before, true);
  memory.setInt32(at + OP_WORD.behind, place.behind, true);
  memory.setUint8(at + OP_BYTE.start, place.start);
  memory.setUint8(at + OP_BYTE.end, place.end);
  memory.setUint8(at + OP_BYTE.lengthMin, min);
  // Nothing that is limited may be longer than a byte says; what is not is flags, whose longer lists are unusual.
  memory.setUint8(at + OP_BYTE.lengthRange, max - min);
  memory.setUint8(at + OP_BYTE.span, WORD_BYTES * field);
}

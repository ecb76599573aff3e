/** Where `LineColumns` and its module have things, in the memory of the line index and in that of the group. */
import { POSITIONS_MAX, SPARE_AT } from "@trueclick/shared/event/lineIndexModule";
import { GROUP_IDS_MAX, TEXT_BYTES_MAX, TEXTS_AT } from "./idGroupModule.ts";
import { FIELD_COUNT, type FieldName } from "./storedFields.ts";

const WORD_BYTES = 4;
const CHUNK_BYTES = 16;

/** Lines that are read before the first of them is counted. */
export const GROUP_LINES = 32;

// In the memory of the line index: what is known of shapes.

/** By the number of special bytes, where the shape is that lines of so many have; 0 for none. */
export const TABLE_AT = SPARE_AT;
const TABLE_BYTES = WORD_BYTES * (POSITIONS_MAX + CHUNK_BYTES);
/** A word that is always 0, where a field's place is that is not there. */
export const ZERO_AT = TABLE_AT + TABLE_BYTES;
export const SHAPES_AT = ZERO_AT + CHUNK_BYTES;
/**
 * A shape: where its expectations begin and end, whether its last value is a text, where its fields
 * end; and its fields from `OPS_AT` on.
 */
export const SHAPE_WORD = { from: 0, end: 4, isText: 8, opsEnd: 12 } as const;
export const OPS_AT = 16;
/**
 * A field: the addresses of the positions of the special bytes before and behind it, and five bytes:
 * how far behind the first the value begins, how far before the second it ends, how long it is at
 * least, by how much longer at most, and where the line keeps its place.
 */
export const OP_WORD = { before: 0, behind: 4 } as const;
export const OP_BYTE = { start: 8, end: 9, lengthMin: 10, lengthRange: 11, span: 12 } as const;
export const OP_BYTES = 16;
export const SHAPE_BYTES = OPS_AT + FIELD_COUNT * OP_BYTES;

// In the memory of the group: the columns, one entry a line.

/** The fields whose texts are hashed, in the order of their rows. */
export const NAME_FIELDS = [
  "campaign_id",
  "ad_id",
  "publisher_id",
  "user_id",
  "geo",
  "device",
] as const satisfies readonly FieldName[];
export type NameField = (typeof NAME_FIELDS)[number];

const COLUMNS_AT = TEXTS_AT + TEXT_BYTES_MAX * GROUP_IDS_MAX;
/** The factors of `SpanHash`: the first two, and then those of four words at a time. */
export const FIRST_FACTORS_AT = COLUMNS_AT;
export const FACTORS_AT = FIRST_FACTORS_AT + CHUNK_BYTES;
/** Of 16 bytes of text: those of the words, and those of the words turned. */
export const FACTOR_BYTES = 2 * CHUNK_BYTES;
/** Longest name that is hashed here, in bytes: a user id of ASCII. */
export const NAME_BYTES_MAX = 128;
/** Rows of names: see `HashedText`. */
export const NAMES_AT = FACTORS_AT + (NAME_BYTES_MAX / CHUNK_BYTES) * FACTOR_BYTES;
export const NAME_BYTES = 32;
/** Where the fields of a line begin, and where they end, by place in `FIELDS`. */
export const SPANS_AT = NAMES_AT + GROUP_LINES * NAME_FIELDS.length * NAME_BYTES;
export const SPAN_ENDS_AT = SPANS_AT + WORD_BYTES * FIELD_COUNT;
export const SPANS_BYTES = 2 * WORD_BYTES * FIELD_COUNT;
/** Event times, as doubles. */
export const TIMES_AT = 8 * Math.ceil((SPANS_AT + GROUP_LINES * SPANS_BYTES) / 8);
/** Places in `EVENT_TYPES`. */
export const TYPES_AT = TIMES_AT + 8 * GROUP_LINES;
/** Where lines begin in the block, and where their line feeds are. */
export const STARTS_AT = TYPES_AT + WORD_BYTES * GROUP_LINES;
export const ENDS_AT = STARTS_AT + WORD_BYTES * GROUP_LINES;
/** One word: where the next line begins. */
export const NEXT_AT = ENDS_AT + WORD_BYTES * GROUP_LINES;

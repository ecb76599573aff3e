/**
 * A cell of the cube as one text: the engine groups by one text several times as fast as by as many
 * columns.
 *
 * A key is the lengths of the texts as 8 bytes, hour and segment as 4 each, and the texts: two keys
 * are equal exactly where all of these are.
 */

const TEXTS = [
  "campaign_id",
  "ad_id",
  "publisher_id",
  "geo",
  "device",
  "event_type",
  "verdict",
] as const;
/** A text of an event has at most 64 characters of at most 4 bytes. */
const LENGTH_BITS = 9;
const LENGTHS_BYTES = 8;
const NUMBER_BYTES = 4;
const HEAD_BYTES = LENGTHS_BYTES + 2 * NUMBER_BYTES;

/** SQL of the key of an event, over the texts and `event_hour`, epoch seconds, and `segment`, UInt32. */
export const CELL_KEY = `concat(
          reinterpretAsFixedString(toUInt64(${TEXTS.map(shiftedLength).join(" + ")})),
          reinterpretAsFixedString(toUInt32(event_hour)),
          reinterpretAsFixedString(toUInt32(segment)),
          ${TEXTS.join(", ")})`;

/** SQL of the columns that a column `key` was made of. */
export const CELL_COLUMNS = [
  ...TEXTS.map((text, at) => {
    const before = TEXTS.slice(0, at).map((_, other) => lengthAt(other));
    return `substring(key, ${[HEAD_BYTES + 1, ...before].join(" + ")}, ${lengthAt(at)}) AS ${text}`;
  }),
  `toDateTime(reinterpretAsUInt32(${bytesAt(LENGTHS_BYTES, NUMBER_BYTES)}), 'UTC') AS event_hour`,
  `reinterpretAsUInt32(${bytesAt(LENGTHS_BYTES + NUMBER_BYTES, NUMBER_BYTES)}) AS segment`,
].join(",\n          ");

function shiftedLength(text: string, at: number): string {
  return `bitShiftLeft(toUInt64(length(${text})), ${at * LENGTH_BITS})`;
}

function lengthAt(at: number): string {
  const lengths = `reinterpretAsUInt64(${bytesAt(0, LENGTHS_BYTES)})`;
  return `bitAnd(bitShiftRight(${lengths}, ${at * LENGTH_BITS}), ${2 ** LENGTH_BITS - 1})`;
}

function bytesAt(start: number, count: number): string {
  return `substring(key, ${start + 1}, ${count})`;
}

import { HOUR_MS, SECOND_MS } from "@trueclick/shared/time";

/**
 * A cell of the cube as one text: the engine groups by one text several times as fast as by as many
 * columns.
 *
 * A key is the lengths of the texts as 8 bytes, the hour as 4, and the texts: two keys are equal exactly
 * where all of these are.
 */

const TEXTS = ["campaign_id", "ad_id", "publisher_id", "geo", "device", "event_type"] as const;
/** A text of an event has at most 64 characters of at most 4 bytes. */
const LENGTH_BITS = 9;
const LENGTHS_BYTES = 8;
const NUMBER_BYTES = 4;
const HEAD_BYTES = LENGTHS_BYTES + NUMBER_BYTES;

/** SQL of the key of an event, over the texts and `event_time_ms`. */
export const CELL_KEY = `concat(
        reinterpretAsFixedString(toUInt64(${TEXTS.map(shiftedLength).join(" + ")})),
        reinterpretAsFixedString(toUInt32(intDiv(event_time_ms, ${HOUR_MS}) * ${HOUR_MS / SECOND_MS})),
        ${TEXTS.join(", ")})`;

/** SQL of the columns that a column `key` was made of. What is behind the texts changes none of them. */
export const CELL_COLUMNS = [
  ...TEXTS.map((text, at) => {
    const before = TEXTS.slice(0, at).map((_, other) => lengthAt(other));
    return `substring(key, ${[HEAD_BYTES + 1, ...before].join(" + ")}, ${lengthAt(at)}) AS ${text}`;
  }),
  `toDateTime(reinterpretAsUInt32(${bytesAt(LENGTHS_BYTES, NUMBER_BYTES)}), 'UTC') AS event_hour`,
].join(",\n          ");

/** SQL of a key that is told from others by a number, UInt32, as well; and of that number. */
export const withSegment = (segment: string) =>
  `concat(cell, reinterpretAsFixedString(toUInt32(${segment})))`;
export const SEGMENT = `reinterpretAsUInt32(substring(key, -${NUMBER_BYTES}))`;

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

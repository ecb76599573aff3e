/** The fields of an event by number, so that what is found of them lies in arrays. */
import { viewOf, WORD_BYTES } from "./words.ts";

/**
 * In the order of the stored line. Those from `FIELDS_STORED` on are read and do not stand in it
 * under their names.
 */
export const FIELD_NAMES = [
  ...["schema_version", "event_type", "event_id", "event_time", "campaign_id", "ad_id"],
  ...["publisher_id", "user_id", "geo", "device", "user_agent", "impression_id", "click_id"],
  ...["conversion_value_micros", "token", "test", "ip", "click_time", "ext"],
] as const;

export const SCHEMA_VERSION = 0;
export const EVENT_TYPE = 1;
export const EVENT_ID = 2;
export const EVENT_TIME = 3;
export const CAMPAIGN_ID = 4;
export const AD_ID = 5;
export const PUBLISHER_ID = 6;
export const USER_ID = 7;
export const GEO = 8;
export const DEVICE = 9;
export const USER_AGENT = 10;
export const IMPRESSION_ID = 11;
export const CLICK_ID = 12;
export const CONVERSION_VALUE = 13;
export const TOKEN = 14;
export const TEST = 15;
export const IP = 16;
export const CLICK_TIME = 17;
export const EXT = 18;
/** No field of ours. */
export const UNKNOWN = -1;

/** Two names of one length differ in one of the three bytes that the table is asked by. */
const TABLE_SIZE = 1_024;
const table = new Int8Array(TABLE_SIZE).fill(UNKNOWN);
const names = FIELD_NAMES.map((name) => new TextEncoder().encode(name));

function slotOf(length: number, first: number, last: number, beforeLast: number): number {
  return (length * 53 + first * 7 + last * 29 + beforeLast * 3) & (TABLE_SIZE - 1);
}

for (const [field, name] of names.entries()) {
  const [first = 0, last = 0, beforeLast = 0] = [name[0], name.at(-1), name.at(-2)];
  const slot = slotOf(name.length, first, last, beforeLast);
  if (table[slot] !== UNKNOWN) throw new RangeError(`Two fields have the slot of ${field}`);
  table[slot] = field;
}

/** The field whose name stands in `[start, end)`, without quotes. */
export function fieldAt(json: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length < 2) return UNKNOWN;
  const slot = slotOf(length, json[start] ?? 0, json[end - 1] ?? 0, json[end - 2] ?? 0);
  const field = table[slot] ?? UNKNOWN;
  const name = field < 0 ? undefined : names[field];
  if (name === undefined || name.length !== length) return UNKNOWN;
  for (let index = 0; index < length; index += 1) {
    if (json[start + index] !== name[index]) return UNKNOWN;
  }
  return field;
}

/** Of each field, as it stands before its value: the name in quotes and a colon. */
const prefixes = FIELD_NAMES.map((name) => new TextEncoder().encode(`"${name}":`));
const PREFIX_BYTES_MAX = Math.max(...prefixes.map((prefix) => prefix.length));
/** Four bytes each, in a row for each field. */
const ROW_WORDS = Math.ceil(PREFIX_BYTES_MAX / WORD_BYTES);
const prefixLength = Int32Array.from(prefixes, (prefix) => prefix.length);
const prefixWords = new Int32Array(prefixes.length * ROW_WORDS);
/** The last four bytes of each, of which some may be in the word before too. */
const prefixLastWord = new Int32Array(prefixes.length);
for (const [field, prefix] of prefixes.entries()) {
  const words = viewOf(prefix);
  for (let word = 0; (word + 1) * WORD_BYTES <= prefix.length; word += 1) {
    prefixWords[field * ROW_WORDS + word] = words.getInt32(word * WORD_BYTES, true);
  }
  prefixLastWord[field] = words.getInt32(prefix.length - WORD_BYTES, true);
}

/**
 * Where the name of a field, in its quotes and with a colon right behind, ends, if it stands at
 * `start`; else 0.
 *
 * @param words Of the text, which may end before the name would.
 */
export function prefixEndOf(words: DataView, start: number, field: number): number {
  if (field < 0 || start + PREFIX_BYTES_MAX > words.byteLength) return 0;
  const length = prefixLength[field] ?? 0;
  const row = field * ROW_WORDS;
  const lastWord = (length >> 2) - 1;
  for (let word = 0; word <= lastWord; word += 1) {
    if (words.getInt32(start + word * WORD_BYTES, true) !== prefixWords[row + word]) return 0;
  }
  const lastAt = start + length - WORD_BYTES;
  return words.getInt32(lastAt, true) === prefixLastWord[field] ? start + length : 0;
}

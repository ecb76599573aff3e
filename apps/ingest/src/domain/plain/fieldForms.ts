/** What the value of each field must look like to be copied as it stands. */

import { isCountry } from "@trueclick/shared/event/countries";
import {
  IP_LENGTH_MAX,
  LINK_ID_LENGTH_MAX,
  TOKEN_LENGTH_MAX,
  USER_AGENT_LENGTH_MAX,
} from "@trueclick/shared/event/envelope";
import { DEVICES, EVENT_TYPES, GEO_UNKNOWN } from "@trueclick/shared/event/stored";
import {
  ENTITY_ID_LENGTH_MAX,
  EVENT_ID_LENGTH_MAX,
  EVENT_ID_LENGTH_MIN,
} from "@trueclick/shared/ids";
import * as fields from "./fields.ts";
import * as values from "./values.ts";

const MINUS = 0x2d;
const ZERO = 0x30;

/** Longest text by field; 0 where the field is no free text. Plain text has a byte a character. */
export const textMax = new Int32Array(fields.FIELD_NAMES.length);
for (const id of [fields.CAMPAIGN_ID, fields.AD_ID, fields.PUBLISHER_ID]) {
  textMax[id] = ENTITY_ID_LENGTH_MAX;
}
for (const id of [fields.USER_ID, fields.IMPRESSION_ID, fields.CLICK_ID]) {
  textMax[id] = LINK_ID_LENGTH_MAX;
}
textMax[fields.USER_AGENT] = USER_AGENT_LENGTH_MAX;
textMax[fields.TOKEN] = TOKEN_LENGTH_MAX;
textMax[fields.IP] = IP_LENGTH_MAX;

/** 1 for every byte of an event id. */
const IN_EVENT_ID = new Uint8Array(256);
for (const byte of new TextEncoder().encode(
  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:-",
)) {
  IN_EVENT_ID[byte] = 1;
}

const LETTER_A = 0x41;
const LETTERS = 26;
/** 1 for the letters of every country, as `first * 26 + second`. */
const COUNTRIES = new Uint8Array(LETTERS * LETTERS);
for (let index = 0; index < COUNTRIES.length; index += 1) {
  const [first, second] = [Math.floor(index / LETTERS), index % LETTERS];
  const code = String.fromCharCode(LETTER_A + first, LETTER_A + second);
  if (isCountry(code)) COUNTRIES[index] = 1;
}

const DEVICE_TEXTS = DEVICES.map(quoted);
const EVENT_TYPE_TEXTS = EVENT_TYPES.map(quoted);
const UNKNOWN_COUNTRY_TEXT = quoted(GEO_UNKNOWN);

function quoted(word: string): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(word));
}

type Found = Pick<values.PlainValue, "kind" | "start" | "end">;

/** Whether a plain value that is no free text is one that its field may have, absent ones included. */
export function hasForm(json: Uint8Array, field: number, { kind, start, end }: Found): boolean {
  const isText = kind === values.TEXT;
  switch (field) {
    case fields.EVENT_ID:
      return isText && hasEventIdForm(json, start + 1, end - 1);
    case fields.EVENT_TYPE:
      return isOneOf(json, start, end, EVENT_TYPE_TEXTS);
    case fields.EVENT_TIME:
    case fields.CLICK_TIME:
      return isText || kind === values.INTEGER;
    default:
      if (kind === values.NULL || kind === values.EMPTY_TEXT) return true;
      return isText ? hasTextForm(json, field, start, end) : hasOtherForm(json, field, kind, start);
  }
}

function hasTextForm(json: Uint8Array, field: number, start: number, end: number): boolean {
  switch (field) {
    case fields.GEO:
      return isCountryText(json, start, end);
    case fields.DEVICE:
      return isLowerCase(json, start + 1, end - 1);
    default:
      return false;
  }
}

function hasOtherForm(json: Uint8Array, field: number, kind: number, start: number): boolean {
  switch (field) {
    case fields.SCHEMA_VERSION:
      return kind === values.INTEGER && json[start] !== MINUS && json[start] !== ZERO;
    case fields.CONVERSION_VALUE:
      return kind === values.INTEGER;
    case fields.TEST:
      return kind === values.TRUE || kind === values.FALSE;
    default:
      return false;
  }
}

/** Whether `[start, end)` is the code that means that the country is not known. */
export function isUnknownCountry(json: Uint8Array, start: number, end: number): boolean {
  return isSame(json, start, end, UNKNOWN_COUNTRY_TEXT);
}

/** Whether `[start, end)`, quotes included, is the word of a device. */
export function isDeviceText(json: Uint8Array, start: number, end: number): boolean {
  return isOneOf(json, start, end, DEVICE_TEXTS);
}

function hasEventIdForm(json: Uint8Array, start: number, end: number): boolean {
  const length = end - start;
  if (length < EVENT_ID_LENGTH_MIN || length > EVENT_ID_LENGTH_MAX) return false;
  let at = start;
  while (at < end && IN_EVENT_ID[json[at] ?? 0] === 1) at += 1;
  return at === end;
}

/** Upper case, as it is stored; other notations go the long way. */
function isCountryText(json: Uint8Array, start: number, end: number): boolean {
  if (end - start !== GEO_UNKNOWN.length + 2) return false;
  if (isUnknownCountry(json, start, end)) return true;
  const first = (json[start + 1] ?? 0) - LETTER_A;
  const second = (json[start + 2] ?? 0) - LETTER_A;
  if (first < 0 || first >= LETTERS || second < 0 || second >= LETTERS) return false;
  return COUNTRIES[first * LETTERS + second] === 1;
}

function isLowerCase(json: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) {
    const byte = json[at] ?? 0;
    if (byte >= LETTER_A && byte < LETTER_A + LETTERS) return false;
  }
  return true;
}

function isOneOf(
  json: Uint8Array,
  start: number,
  end: number,
  texts: readonly Uint8Array[],
): boolean {
  for (const text of texts) if (isSame(json, start, end, text)) return true;
  return false;
}

function isSame(json: Uint8Array, start: number, end: number, text: Uint8Array): boolean {
  if (end - start !== text.length) return false;
  for (let index = 0; index < text.length; index += 1) {
    if (json[start + index] !== text[index]) return false;
  }
  return true;
}

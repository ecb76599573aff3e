/**
 * The fields of a stored event as the scanner knows them: which kind of value each takes, and which
 * must be there. A property test holds them equal to `storedEventSchema`.
 */
import { ENTITY_ID_LENGTH_MAX } from "@trueclick/shared/ids";
import { BytePattern } from "./bytePattern.ts";

const LINKAGE_LENGTH_MAX = 128;

/** The kinds of values: first those that are texts, then words, then what has no quotes. */
export const KIND = {
  text: 0,
  eventId: 1,
  eventType: 2,
  device: 3,
  integer: 4,
  version: 5,
  eventTime: 6,
  flags: 7,
  test: 8,
  /** Known, but rare and nested: left to `JSON.parse`. */
  nested: 9,
} as const;

interface StoredField {
  readonly name: string;
  readonly kind: keyof typeof KIND;
  readonly required?: true;
  /** Shortest and longest text, in characters. */
  readonly lengthMin?: number;
  readonly lengthMax?: number;
}

/** In the order in which the edge writes them, so that the first guess at the next is right. */
export const FIELDS = [
  { name: "schema_version", kind: "version", required: true },
  { name: "event_type", kind: "eventType", required: true },
  { name: "event_id", kind: "eventId", required: true, lengthMin: 8, lengthMax: 64 },
  { name: "event_time", kind: "eventTime", required: true },
  { name: "ingest_time", kind: "integer", required: true },
  { name: "campaign_id", kind: "text", lengthMax: ENTITY_ID_LENGTH_MAX },
  { name: "ad_id", kind: "text", lengthMax: ENTITY_ID_LENGTH_MAX },
  { name: "publisher_id", kind: "text", lengthMax: ENTITY_ID_LENGTH_MAX },
  { name: "user_id", kind: "text", lengthMax: LINKAGE_LENGTH_MAX },
  { name: "geo", kind: "text", required: true, lengthMin: 2, lengthMax: 2 },
  { name: "device", kind: "device", required: true },
  { name: "user_agent", kind: "text" },
  { name: "ip_hash", kind: "text" },
  { name: "ip_net", kind: "text" },
  { name: "impression_id", kind: "text", lengthMax: LINKAGE_LENGTH_MAX },
  { name: "click_id", kind: "text", lengthMax: LINKAGE_LENGTH_MAX },
  { name: "conversion_value_micros", kind: "integer" },
  { name: "token", kind: "text" },
  { name: "test", kind: "test" },
  { name: "region", kind: "text", required: true },
  {
    ...{ name: "source_id", kind: "text", required: true },
    ...{ lengthMin: 1, lengthMax: ENTITY_ID_LENGTH_MAX },
  },
  { name: "flags", kind: "flags", required: true },
  { name: "ext", kind: "nested" },
] as const satisfies readonly StoredField[];

export type FieldName = (typeof FIELDS)[number]["name"];

export const FIELD_COUNT = FIELDS.length;

/** The place of a field in `FIELDS`. */
export function fieldAt(name: FieldName): number {
  return FIELDS.findIndex((field) => field.name === name);
}

/** `"name":` of every field, as bytes. */
export const KEYS: readonly BytePattern[] = FIELDS.map(({ name }) => new BytePattern(`"${name}":`));

export const KINDS = Uint8Array.from(FIELDS, ({ kind }) => KIND[kind]);

/** Whether the values of a field stand between quotes. */
export function isQuoted(field: number): boolean {
  return (KINDS[field] ?? KIND.nested) <= KIND.device;
}

/** In place of a longest text: longer than any. */
export const LENGTH_UNLIMITED = 0x7fffffff;
/** Shortest and longest text of each field, in characters. */
export const LENGTHS_MIN = Int32Array.from(FIELDS, (field: StoredField) => field.lengthMin ?? 0);
export const LENGTHS_MAX = Int32Array.from(FIELDS, (field: StoredField) => {
  return field.lengthMax ?? LENGTH_UNLIMITED;
});

/** Digits of an epoch time in milliseconds, until the year 2286. */
export const EPOCH_MS_DIGITS = 13;

/** One bit for every field that must be there. */
export const REQUIRED_BITS = FIELDS.reduce((bits, field: StoredField, at) => {
  return field.required === true ? bits | (1 << at) : bits;
}, 0);

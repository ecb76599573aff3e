/**
 * The fields of a stored event as the scanner knows them: which kind of value each takes, and which
 * must be there. A property test holds them equal to `storedEventSchema`.
 */
import { ENTITY_ID_LENGTH_MAX } from "@trueclick/shared/ids";
import { BytePattern } from "./bytePattern.ts";

const LINKAGE_LENGTH_MAX = 128;

/** The kinds of values; each has one method of the scanner. */
export const KIND = {
  text: 0,
  integer: 1,
  version: 2,
  eventId: 3,
  eventType: 4,
  eventTime: 5,
  device: 6,
  geo: 7,
  flags: 8,
  test: 9,
  /** Known, but rare and nested: left to `JSON.parse`. */
  nested: 10,
  source: 11,
} as const;

interface StoredField {
  readonly name: string;
  readonly kind: keyof typeof KIND;
  readonly required?: true;
  /** Longest text, in characters. */
  readonly lengthMax?: number;
}

/** In the order in which the edge writes them, so that the first guess at the next is right. */
export const FIELDS = [
  { name: "schema_version", kind: "version", required: true },
  { name: "event_type", kind: "eventType", required: true },
  { name: "event_id", kind: "eventId", required: true },
  { name: "event_time", kind: "eventTime", required: true },
  { name: "ingest_time", kind: "integer", required: true },
  { name: "campaign_id", kind: "text", lengthMax: ENTITY_ID_LENGTH_MAX },
  { name: "ad_id", kind: "text", lengthMax: ENTITY_ID_LENGTH_MAX },
  { name: "publisher_id", kind: "text", lengthMax: ENTITY_ID_LENGTH_MAX },
  { name: "user_id", kind: "text", lengthMax: LINKAGE_LENGTH_MAX },
  { name: "geo", kind: "geo", required: true },
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
  { name: "source_id", kind: "source", required: true, lengthMax: ENTITY_ID_LENGTH_MAX },
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

/** Longest text of each field, in characters. */
export const LENGTHS_MAX = Int32Array.from(FIELDS, (field: StoredField) => {
  return field.lengthMax ?? 0x7fffffff;
});

/** One bit for every field that must be there. */
export const REQUIRED_BITS = FIELDS.reduce((bits, field: StoredField, at) => {
  return field.required === true ? bits | (1 << at) : bits;
}, 0);

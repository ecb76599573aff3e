import { ENTITY_ID_LENGTH_MAX } from "@trueclick/shared/ids";

/** The fields of a stored event; the scanner has what it found of each at its place here. */
export const SCANNED = [
  "schema_version",
  "event_type",
  "event_id",
  "event_time",
  "ingest_time",
  "campaign_id",
  "ad_id",
  "publisher_id",
  "user_id",
  "geo",
  "device",
  "user_agent",
  "ip_hash",
  "ip_net",
  "impression_id",
  "click_id",
  "conversion_value_micros",
  "token",
  "test",
  "region",
  "source_id",
  "flags",
  "ext",
] as const;
export type ScannedField = (typeof SCANNED)[number];

export type FieldKind = "text" | "int" | "bool" | "flags" | "object";

const KINDS: Readonly<Partial<Record<ScannedField, FieldKind>>> = {
  schema_version: "int",
  event_time: "int",
  ingest_time: "int",
  conversion_value_micros: "int",
  test: "bool",
  flags: "flags",
  ext: "object",
};
/** What each field's value is, by place. */
export const FIELD_KINDS: readonly FieldKind[] = SCANNED.map((field) => KINDS[field] ?? "text");

const REQUIRED: readonly ScannedField[] = [
  "schema_version",
  "event_type",
  "event_id",
  "event_time",
  "ingest_time",
  "geo",
  "device",
  "region",
  "source_id",
  "flags",
];

/** Lengths that the schema allows, `[least, most]`. */
const LENGTHS: Readonly<Partial<Record<ScannedField, readonly [number, number]>>> = {
  event_id: [8, 64],
  campaign_id: [0, ENTITY_ID_LENGTH_MAX],
  ad_id: [0, ENTITY_ID_LENGTH_MAX],
  publisher_id: [0, ENTITY_ID_LENGTH_MAX],
  user_id: [0, 128],
  geo: [2, 2],
  impression_id: [0, 128],
  click_id: [0, 128],
  source_id: [1, ENTITY_ID_LENGTH_MAX],
};

/** The place of a field in `SCANNED`. */
export const placeOf = (field: ScannedField) => SCANNED.indexOf(field);
const bitOf = (field: ScannedField) => 1 << placeOf(field);
/** The bits of the fields that every event has. */
export const REQUIRED_BITS = REQUIRED.reduce((bits, field) => bits | bitOf(field), 0);
const NAMES: readonly string[] = SCANNED;
/** The lengths of texts that are bounded. */
export const LIMITS: readonly (readonly [place: number, least: number, most: number])[] =
  Object.entries(LENGTHS).flatMap(([field, limits]) => {
    const place = NAMES.indexOf(field);
    return limits === undefined ? [] : [[place, limits[0], limits[1]] as const];
  });

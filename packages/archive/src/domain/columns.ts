/** `hash128`: of a text, the first 16 bytes of its SHA-256. */
export type ColumnType =
  | "string"
  | "int32"
  | "int64"
  | "timestamp_ms"
  | "bool"
  | "bytes"
  | "hash128";

export interface ArchiveColumn {
  readonly name: string;
  readonly type: ColumnType;
  /** Null in rows that do not carry the field, and in those that are no event. */
  readonly optional: boolean;
}

/**
 * The columns of an archive object: coordinates, every envelope field with its type, and the exact
 * received line. Columns are only ever added, as optional ones: old objects lack them.
 */
export const ARCHIVE_COLUMNS = [
  { name: "partition", type: "int32", optional: false },
  { name: "offset", type: "int64", optional: false },
  { name: "index", type: "int32", optional: false },
  { name: "append_time", type: "timestamp_ms", optional: false },
  { name: "unparseable", type: "bool", optional: false },
  { name: "schema_version", type: "int32", optional: true },
  { name: "event_type", type: "string", optional: true },
  { name: "event_id", type: "string", optional: true },
  // The dedupe key: half the size of an id and of fixed length. A cryptographic hash, because ids
  // come from outside: under a fast one, somebody could make ids that collide with another's and
  // so turn that click into a duplicate. Any engine can compute it again from the id.
  { name: "event_id128", type: "hash128", optional: true },
  { name: "event_time", type: "timestamp_ms", optional: true },
  { name: "ingest_time", type: "timestamp_ms", optional: true },
  { name: "campaign_id", type: "string", optional: true },
  { name: "ad_id", type: "string", optional: true },
  { name: "publisher_id", type: "string", optional: true },
  { name: "user_id", type: "string", optional: true },
  { name: "geo", type: "string", optional: true },
  { name: "device", type: "string", optional: true },
  { name: "user_agent", type: "string", optional: true },
  { name: "ip_hash", type: "string", optional: true },
  { name: "ip_net", type: "string", optional: true },
  { name: "impression_id", type: "string", optional: true },
  { name: "click_id", type: "string", optional: true },
  { name: "conversion_value_micros", type: "int64", optional: true },
  { name: "token", type: "string", optional: true },
  { name: "test", type: "bool", optional: true },
  { name: "region", type: "string", optional: true },
  { name: "source_id", type: "string", optional: true },
  // Words of a closed list with commas between, none with a comma in it.
  { name: "flags", type: "string", optional: true },
  { name: "ext", type: "string", optional: true },
  { name: "line", type: "bytes", optional: false },
] as const satisfies readonly ArchiveColumn[];

export type ColumnName = (typeof ARCHIVE_COLUMNS)[number]["name"];

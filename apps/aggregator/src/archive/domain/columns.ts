import type { StoredEvent } from "@trueclick/shared/event/stored";
import type { ArchiveRow } from "./archiveRow.ts";

/** `hash128`: the text given is not stored, but the first 16 bytes of its SHA-256. */
export type ColumnType =
  | "string"
  | "int32"
  | "int64"
  | "timestamp_ms"
  | "bool"
  | "bytes"
  | "hash128";

/** A value of a row as the file holds it; null where an optional field was absent. */
export type ColumnValue = string | number | bigint | boolean | Uint8Array | null;

export interface ArchiveColumn {
  readonly name: string;
  readonly type: ColumnType;
  readonly optional: boolean;
  readonly read: (row: ArchiveRow) => ColumnValue;
}

/**
 * The columns of an archive object: coordinates, every envelope field with its type, and the exact
 * received line. Columns are only ever added, as optional ones: old objects lack them.
 */
export const ARCHIVE_COLUMNS: readonly ArchiveColumn[] = [
  required("partition", "int32", (row) => row.partition),
  required("offset", "int64", (row) => row.offset),
  required("index", "int32", (row) => row.index),
  required("append_time", "timestamp_ms", (row) => BigInt(row.appendTimeMs)),
  required("unparseable", "bool", (row) => row.event === null),
  field("schema_version", "int32", (event) => event.schema_version),
  field("event_type", "string", (event) => event.event_type),
  field("event_id", "string", (event) => event.event_id),
  // The dedupe key: half the size of an id and of fixed length. A cryptographic hash, because ids
  // come from outside: under a fast one, somebody could make ids that collide with another's and
  // so turn that click into a duplicate. Any engine can compute it again from the id.
  field("event_id128", "hash128", (event) => event.event_id),
  field("event_time", "timestamp_ms", (event) => BigInt(event.event_time)),
  field("ingest_time", "timestamp_ms", (event) => BigInt(event.ingest_time)),
  field("campaign_id", "string", (event) => event.campaign_id),
  field("ad_id", "string", (event) => event.ad_id),
  field("publisher_id", "string", (event) => event.publisher_id),
  field("user_id", "string", (event) => event.user_id),
  field("geo", "string", (event) => event.geo),
  field("device", "string", (event) => event.device),
  field("user_agent", "string", (event) => event.user_agent),
  field("ip_hash", "string", (event) => event.ip_hash),
  field("ip_net", "string", (event) => event.ip_net),
  field("impression_id", "string", (event) => event.impression_id),
  field("click_id", "string", (event) => event.click_id),
  field("conversion_value_micros", "int64", (event) => toBigInt(event.conversion_value_micros)),
  field("token", "string", (event) => event.token),
  field("test", "bool", (event) => event.test),
  field("region", "string", (event) => event.region),
  field("source_id", "string", (event) => event.source_id),
  // Words of a closed list, none with a comma in it.
  field("flags", "string", (event) => event.flags.join(",")),
  field("ext", "string", (event) => toJson(event.ext)),
  required("line", "bytes", (row) => row.line),
];

function required(
  name: string,
  type: ColumnType,
  read: (row: ArchiveRow) => ColumnValue,
): ArchiveColumn {
  return { name, type, optional: false, read };
}

/** A field of the event: absent in unparseable rows, and where the event does not carry it. */
function field(
  name: string,
  type: ColumnType,
  read: (event: StoredEvent) => ColumnValue | undefined,
): ArchiveColumn {
  return {
    name,
    type,
    optional: true,
    read: ({ event }) => (event === null ? null : (read(event) ?? null)),
  };
}

function toBigInt(value: number | undefined): bigint | undefined {
  return value === undefined ? undefined : BigInt(value);
}

function toJson(value: object | undefined): string | undefined {
  return value === undefined ? undefined : JSON.stringify(value);
}

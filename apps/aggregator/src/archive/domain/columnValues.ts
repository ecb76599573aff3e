import type { ColumnName } from "@trueclick/archive/domain/columns";
import type { StoredEvent } from "@trueclick/shared/event/stored";
import type { ArchiveRow } from "./archiveRow.ts";

/** A value of a row as the file holds it; null where an optional field was absent. */
export type ColumnValue = string | number | bigint | boolean | Uint8Array | null;

type Read = (row: ArchiveRow) => ColumnValue;

/** What each column of the archive says of a row; of a `hash128`, the text to be hashed. */
export const COLUMN_VALUES: Readonly<Record<ColumnName, Read>> = {
  partition: (row) => row.partition,
  offset: (row) => row.offset,
  index: (row) => row.index,
  append_time: (row) => BigInt(row.appendTimeMs),
  unparseable: (row) => row.event === null,
  schema_version: field((event) => event.schema_version),
  event_type: field((event) => event.event_type),
  event_id: field((event) => event.event_id),
  event_id128: field((event) => event.event_id),
  event_time: field((event) => BigInt(event.event_time)),
  ingest_time: field((event) => BigInt(event.ingest_time)),
  campaign_id: field((event) => event.campaign_id),
  ad_id: field((event) => event.ad_id),
  publisher_id: field((event) => event.publisher_id),
  user_id: field((event) => event.user_id),
  geo: field((event) => event.geo),
  device: field((event) => event.device),
  user_agent: field((event) => event.user_agent),
  ip_hash: field((event) => event.ip_hash),
  ip_net: field((event) => event.ip_net),
  impression_id: field((event) => event.impression_id),
  click_id: field((event) => event.click_id),
  conversion_value_micros: field((event) => toBigInt(event.conversion_value_micros)),
  token: field((event) => event.token),
  test: field((event) => event.test),
  region: field((event) => event.region),
  source_id: field((event) => event.source_id),
  flags: field((event) => event.flags.join(",")),
  ext: field((event) => toJson(event.ext)),
  line: (row) => row.line,
};

/** A field of the event: absent in unparseable rows, and where the event does not carry it. */
function field(read: (event: StoredEvent) => ColumnValue | undefined): Read {
  return ({ event }) => (event === null ? null : (read(event) ?? null));
}

function toBigInt(value: number | undefined): bigint | undefined {
  return value === undefined ? undefined : BigInt(value);
}

function toJson(value: object | undefined): string | undefined {
  return value === undefined ? undefined : JSON.stringify(value);
}

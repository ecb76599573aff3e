/** What the archive must hold of a block, told by `JSON.parse` and the schema, without the scanner. */
import { hash } from "node:crypto";
import { blockLines } from "@trueclick/shared/event/block";
import type { StoredEvent } from "@trueclick/shared/event/stored";
import type { ColumnName } from "../domain/columns.ts";
import type { EncoderStretch } from "../domain/encoderStretch.ts";
import { hourStartMs } from "../domain/objectPath.ts";
import { parseLine } from "../domain/parseLine.ts";

interface Row {
  readonly partition: number;
  readonly offset: bigint;
  readonly index: number;
  readonly appendTimeMs: number;
  readonly line: Uint8Array;
  readonly event: StoredEvent | null;
}

/** The column has 32 bits; a larger version, which no producer has, is kept in the line alone. */
const INT32_MAX = 2 ** 31 - 1;

/** A value of a row as the file holds it; null where an optional field was absent. */
type ColumnValue = string | number | bigint | boolean | Date | null;

type Read = (row: Row) => ColumnValue;

const COLUMN_VALUES: Readonly<Record<ColumnName, Read>> = {
  partition: (row) => row.partition,
  offset: (row) => row.offset,
  index: (row) => row.index,
  append_time: (row) => new Date(row.appendTimeMs),
  unparseable: (row) => row.event === null,
  schema_version: field((event) => Math.min(event.schema_version, INT32_MAX)),
  event_type: field((event) => event.event_type),
  event_id: field((event) => event.event_id),
  event_id128: field((event) => hash("sha256", event.event_id).slice(0, 32)),
  event_time: field((event) => new Date(event.event_time)),
  ingest_time: field((event) => new Date(event.ingest_time)),
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
  line: (row) => Buffer.from(row.line).toString("latin1"),
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

/** The rows of each event hour, as the column values say; hashes in hex, lines byte by character. */
export function expectedRows({ partition, records }: EncoderStretch) {
  const rows = records.flatMap(({ offset, appendTimeMs, value }) =>
    blockLines(value).map((line, index): Row => {
      const event = parseLine(line, appendTimeMs);
      return { partition, offset, index, appendTimeMs, line, event };
    }),
  );
  const hours = Map.groupBy(rows, ({ event, appendTimeMs }) =>
    hourStartMs(event?.event_time ?? appendTimeMs),
  );
  return [...hours]
    .sort(([a], [b]) => a - b)
    .map(([eventHourMs, own]) => ({
      eventHourMs,
      rows: own.map((row) =>
        Object.fromEntries(Object.entries(COLUMN_VALUES).map(([name, read]) => [name, read(row)])),
      ),
    }));
}

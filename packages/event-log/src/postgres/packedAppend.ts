import type { AppendedRecord } from "../port.ts";
import type { PostgresConnection } from "./postgresConnection.ts";
import { CODEC_ZSTD } from "./schema.ts";

/** A record as it goes into the table. */
export interface StoredRecord {
  readonly partition: number;
  /** A zstd frame. */
  readonly compressed: Buffer;
  /** Only to restore a log; else the log stamps the time. */
  readonly appendTimeMs?: number;
}

const APPEND_SQL = "SELECT event_log.append_packed($1, $2, $3, $4, $5, $6) AS offsets";
/** Parsed once a connection: a fifth of what the append of a few small blocks costs the server. */
const APPEND_NAME = "trueclick_append_packed";

/**
 * Appends records in one statement, which is one transaction. The values go over as one binary
 * parameter, since an array of them would have to be hex text; and ordered by their partitions, in
 * which the log can place a few of them with less work.
 *
 * @throws {LogUnavailableError}
 */
export async function appendPacked(
  postgres: PostgresConnection,
  topic: string,
  records: readonly StoredRecord[],
): Promise<readonly AppendedRecord[]> {
  // Stable: records of a partition keep their order.
  const places = [...records.keys()].sort(
    (left, right) => partitionAt(records, left) - partitionAt(records, right),
  );
  const placed = places.flatMap((place) => records[place] ?? []);
  const value = await postgres.queryValue({
    name: APPEND_NAME,
    text: APPEND_SQL,
    values: [
      topic,
      arrayText(placed.map((record) => record.partition)),
      arrayText(placed.map((record) => record.compressed.length)),
      placed.map((record) => record.compressed),
      String(CODEC_ZSTD),
      appendTimes(placed),
    ],
  });
  const offsets = value.slice(1, -1).split(",");
  const appended: AppendedRecord[] = [];
  for (const [index, place] of places.entries()) {
    const offset = offsets[index];
    if (offset === undefined) throw new Error(`The append of record ${place} has no offset`);
    appended[place] = { partition: partitionAt(records, place), offset: BigInt(offset) };
  }
  return appended;
}

/** An array of integers as Postgres writes and reads it. */
function arrayText(numbers: readonly (number | null)[]): string {
  return `{${numbers.map((number) => number ?? "NULL").join(",")}}`;
}

/** Null where the log is to stamp all of them. */
function appendTimes(records: readonly StoredRecord[]): string | null {
  const times = records.map((record) => record.appendTimeMs ?? null);
  return times.every((time) => time === null) ? null : arrayText(times);
}

function partitionAt(records: readonly StoredRecord[], place: number): number {
  return records[place]?.partition ?? 0;
}

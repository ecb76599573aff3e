import { HOUR_MS } from "@trueclick/shared/time";

/** What the name of an archive object says: one event hour of one stretch of one partition. */
export interface ObjectName {
  /** Start of the UTC hour of event time that all rows lie in, epoch milliseconds. */
  readonly eventHourMs: number;
  readonly partition: number;
  /** Offsets of the whole stretch, both inclusive; not only of the rows in this hour. */
  readonly firstOffset: bigint;
  readonly lastOffset: bigint;
}

/** Digits of the largest 64-bit offset, so that names sort in the order of the log. */
const OFFSET_DIGITS = 19;
const VARIANT_LENGTH = 12;

const PATTERN =
  /^raw\/event_hour=(\d{4}-\d{2}-\d{2}T\d{2})\/p(\d{1,5})-(\d{19})-(\d{19})(?:\.[0-9a-f]{12})?\.parquet$/;

/** `raw/event_hour=2026-03-01T07/p3-0000000000000000120-0000000000000000184.parquet` */
export function objectPath(name: ObjectName): string {
  return `${stem(name)}.parquet`;
}

/**
 * The name to fall back on when other bytes lie under the plain one. That happens when an attempt
 * died between its objects and its manifest rows and another version of the program writes the
 * stretch again. An object is never overwritten, for a manifest row may name it by then.
 *
 * @param sha256 Of the bytes, lower-case hex.
 */
export function variantPath(name: ObjectName, sha256: string): string {
  return `${stem(name)}.${sha256.slice(0, VARIANT_LENGTH)}.parquet`;
}

/** What a path says, or null if it is no object of the archive. */
export function parseObjectPath(path: string): ObjectName | null {
  const [, hour, partition, first, last] = PATTERN.exec(path) ?? [];
  if (hour === undefined || partition === undefined) return null;
  if (first === undefined || last === undefined) return null;
  const eventHourMs = Date.parse(`${hour}:00:00.000Z`);
  if (Number.isNaN(eventHourMs)) return null;
  return {
    eventHourMs,
    partition: Number(partition),
    firstOffset: BigInt(first),
    lastOffset: BigInt(last),
  };
}

/** Start of the UTC hour that holds an instant, epoch milliseconds. */
export function hourStartMs(instantMs: number): number {
  return Math.floor(instantMs / HOUR_MS) * HOUR_MS;
}

function stem({ eventHourMs, partition, firstOffset, lastOffset }: ObjectName): string {
  const hour = new Date(eventHourMs).toISOString().slice(0, 13);
  return `raw/event_hour=${hour}/p${partition}-${digits(firstOffset)}-${digits(lastOffset)}`;
}

function digits(offset: bigint): string {
  return offset.toString().padStart(OFFSET_DIGITS, "0");
}

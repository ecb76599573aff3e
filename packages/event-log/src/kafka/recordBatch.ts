import { crc32c } from "@node-rs/crc32";
import type { Message } from "kafkajs";
import { KEPT_ZSTD_BYTES_MAX } from "../keptZstd.ts";
import { compressZstd } from "../zstd.ts";

/** What of a record is written; it has neither key nor time of its own. */
export interface BatchedRecord {
  readonly value: Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Kafka's record batch in its second format, ready to be sent. It passes through kafkajs's producer
 * in the place of a message: that sees to leaders, retries and errors, and never looks inside.
 */
export class RecordBatch implements Message {
  readonly partition: number;
  /** The whole batch, its header included. */
  readonly value: Buffer;

  constructor(partition: number, value: Buffer) {
    this.partition = partition;
    this.value = value;
  }
}

/** The length counts what comes behind itself, the sum covers what comes behind itself. */
const LENGTH_AT = 8;
const LENGTH_END = 12;
const MAGIC_AT = 16;
const CRC_AT = 17;
const CRC_END = 21;
const ATTRIBUTES_AT = 21;
const LAST_OFFSET_DELTA_AT = 23;
const FIRST_TIMESTAMP_AT = 27;
const MAX_TIMESTAMP_AT = 35;
const PRODUCER_ID_AT = 43;
const RECORD_COUNT_AT = 57;
const HEADER_BYTES = 61;

const MAGIC = 2;
const ZSTD = 4;
/** Neither idempotent nor in a transaction. */
const NO_PRODUCER_ID = -1n;

/** For records that are compressed in the turn in which they are put here, before others are. */
const scratch = Buffer.allocUnsafeSlow(KEPT_ZSTD_BYTES_MAX);

/** No key, as a varint. */
const NO_KEY = 1;
const VARINT_MORE = 0x80;
const VARINT_BITS = 7;
/** Attributes, time and key of a record take one byte each. */
const FIXED_BYTES = 3;

/**
 * Writes records of one partition as one batch: the records side by side, compressed as a whole.
 *
 * @param timestampMs Of all records, epoch milliseconds; a topic with `LogAppendTime` replaces it.
 */
export function encodeRecordBatch(records: readonly BatchedRecord[], timestampMs: number): Buffer {
  const batch = compressZstd(encodeRecords(records), HEADER_BYTES);
  batch.fill(0, 0, HEADER_BYTES);
  batch.writeInt32BE(batch.length - LENGTH_END, LENGTH_AT);
  batch.writeInt8(MAGIC, MAGIC_AT);
  batch.writeInt16BE(ZSTD, ATTRIBUTES_AT);
  batch.writeInt32BE(records.length - 1, LAST_OFFSET_DELTA_AT);
  batch.writeBigInt64BE(BigInt(timestampMs), FIRST_TIMESTAMP_AT);
  batch.writeBigInt64BE(BigInt(timestampMs), MAX_TIMESTAMP_AT);
  batch.writeBigInt64BE(NO_PRODUCER_ID, PRODUCER_ID_AT);
  batch.writeInt32BE(records.length, RECORD_COUNT_AT);
  batch.writeUInt32BE(crc32c(batch.subarray(CRC_END)), CRC_AT);
  return batch;
}

/** The records side by side: in `scratch`, until the next call, if they have room there. */
function encodeRecords(records: readonly BatchedRecord[]): Buffer {
  const headers = records.map((record) => encodeHeaders(record.headers));
  const lengths = records.map(
    ({ value }, at) =>
      FIXED_BYTES +
      varintBytes(at) +
      varintBytes(value.length) +
      value.length +
      (headers[at]?.length ?? 0),
  );
  const size = lengths.reduce((sum, length) => sum + varintBytes(length) + length, 0);
  const bytes = size <= scratch.length ? scratch.subarray(0, size) : Buffer.allocUnsafe(size);
  let end = 0;
  for (const [at, { value }] of records.entries()) {
    end = writeVarint(bytes, end, lengths[at] ?? 0);
    // No attributes, and no time behind that of the batch.
    bytes[end] = 0;
    bytes[end + 1] = 0;
    end = writeVarint(bytes, end + 2, at);
    bytes[end] = NO_KEY;
    end = writeVarint(bytes, end + 1, value.length);
    end += value.copy(bytes, end);
    end += headers[at]?.copy(bytes, end) ?? 0;
  }
  return bytes;
}

const NO_HEADERS = Buffer.of(0);

function encodeHeaders(headers: BatchedRecord["headers"]): Buffer {
  if (headers === undefined) return NO_HEADERS;
  const texts = Object.entries(headers).flat();
  const parts = texts.flatMap((text) => [varint(Buffer.byteLength(text)), Buffer.from(text)]);
  return Buffer.concat([varint(texts.length / 2), ...parts]);
}

function varint(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(varintBytes(value));
  writeVarint(bytes, 0, value);
  return bytes;
}

/** @param value From 0 to 2^30; Kafka's varints have the sign in the last bit. */
function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = (value * 2) >>> VARINT_BITS; rest > 0; rest >>>= VARINT_BITS) bytes += 1;
  return bytes;
}

/** Answers where the number ends. */
function writeVarint(bytes: Buffer, start: number, value: number): number {
  let end = start;
  let rest = value * 2;
  while (rest >= VARINT_MORE) {
    bytes[end] = (rest % VARINT_MORE) + VARINT_MORE;
    end += 1;
    rest >>>= VARINT_BITS;
  }
  bytes[end] = rest;
  return end + 1;
}

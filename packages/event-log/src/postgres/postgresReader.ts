import { blockPool } from "../blockPool.ts";
import {
  type LogRecord,
  LogUnavailableError,
  OffsetOutOfRangeError,
  type OffsetRange,
  type ReadRequest,
  type TopicReader,
} from "../port.ts";
import { assertPartition } from "../recordChecks.ts";
import { decompressZstd } from "../zstd.ts";
import { loadTopic, openPostgres, type PostgresConnection } from "./postgresConnection.ts";
import { CODEC_ZSTD } from "./schema.ts";
import { TailWatch } from "./tailWatch.ts";

const CONNECTIONS_MAX = 4;
/** Stored bytes of one answer, beyond its first record. */
const READ_BYTES_MAX = 8 * 1_048_576;

/**
 * One snapshot for the range and the records, so that they agree. `octet_length` of an EXTERNAL value
 * does not fetch it, so what lies past the limit costs an index entry only.
 */
const READ_SQL = `
SELECT p.next_offset AS end_offset, s.start_offset, r."offset", r.append_time_ms, r.codec, r.value
FROM event_log.partitions p
CROSS JOIN LATERAL (
  SELECT coalesce(min(o."offset"), p.next_offset) AS start_offset FROM event_log.records o
  WHERE o.topic_id = p.topic_id AND o.partition = p.partition
) s
LEFT JOIN LATERAL (
  SELECT * FROM (
    SELECT c."offset", c.append_time_ms, c.codec, c.value,
           sum(octet_length(c.value)) OVER (ORDER BY c."offset") - octet_length(c.value)
             AS bytes_before
    FROM event_log.records c
    WHERE c.topic_id = p.topic_id AND c.partition = p.partition AND c."offset" >= $3
    ORDER BY c."offset" LIMIT $4
  ) counted WHERE counted.bytes_before < $5
) r ON true
WHERE p.topic_id = $1 AND p.partition = $2
ORDER BY r."offset"`;

const ENDS_SQL = `
SELECT next_offset FROM event_log.partitions WHERE topic_id = $1 ORDER BY partition`;

interface ReadRow {
  readonly end_offset: string;
  readonly start_offset: string;
  /** Null, like all after it, when no record lies at or after the offset asked for. */
  readonly offset: string | null;
  readonly append_time_ms: string;
  readonly codec: number;
  readonly value: Buffer;
}

/** @throws {UnknownTopicError | LogUnavailableError} */
export async function openPostgresReader(
  connectionString: string,
  topic: string,
): Promise<TopicReader> {
  const postgres = openPostgres(connectionString, CONNECTIONS_MAX);
  const found = await loadTopic(postgres, topic).catch(async (error: unknown) => {
    await postgres.close();
    throw error;
  });
  const { id } = found;
  let { partitionCount } = found;
  const tail = new TailWatch(postgres, id);
  return {
    topic,
    get partitionCount() {
      return partitionCount;
    },
    refreshPartitionCount: async () => {
      const now = await loadTopic(postgres, topic);
      partitionCount = Math.max(partitionCount, now.partitionCount);
      return now.partitionCount;
    },
    endOffsets: async () => {
      const rows = await postgres.query<{ readonly next_offset: string }>(ENDS_SQL, [id]);
      return rows.map((row) => BigInt(row.next_offset));
    },
    facts: async () => {
      const now = await loadTopic(postgres, topic);
      return { topicId: String(now.id), timesBy: "log" };
    },
    read: async (request) => {
      assertPartition(request.partition, partitionCount);
      const untilMs = performance.now() + request.waitMs;
      for (;;) {
        const records = await readNow(postgres, id, request);
        const waitMs = untilMs - performance.now();
        if (records.length > 0 || waitMs <= 0 || request.signal.aborted) return records;
        await tail.waitFor(request.partition, request.fromOffset, waitMs, request.signal);
      }
    },
    release: (records) => {
      for (const record of records) blockPool.release(record);
    },
    offsets: async (partition) => {
      assertPartition(partition, partitionCount);
      return toRange(await query(postgres, id, partition, 0n, 0));
    },
    close: () => postgres.close(),
  };
}

async function readNow(
  postgres: PostgresConnection,
  topicId: number,
  { partition, fromOffset, recordsMax }: ReadRequest,
): Promise<readonly LogRecord[]> {
  const rows = await query(postgres, topicId, partition, fromOffset, recordsMax);
  const range = toRange(rows);
  if (fromOffset < range.startOffset || fromOffset > range.endOffset) {
    throw new OffsetOutOfRangeError(partition, fromOffset, range);
  }
  const found = rows.flatMap(({ offset, ...row }) => (offset === null ? [] : [{ offset, ...row }]));
  const values = await Promise.allSettled(found.map(unpack));
  const records: LogRecord[] = [];
  for (const [at, { offset, append_time_ms: appendTimeMs }] of found.entries()) {
    const value = values[at];
    if (value?.status !== "fulfilled") {
      // What lies before it is read as ever; then whoever reads this partition waits, and says why.
      if (records.length > 0) break;
      const place = `partition ${partition} at offset ${offset}`;
      throw new LogUnavailableError(`The record of ${place} is damaged`, { cause: value?.reason });
    }
    const placed = { partition, offset: BigInt(offset), appendTimeMs: Number(appendTimeMs) };
    const record = { ...placed, value: value.value };
    blockPool.hold(record);
    records.push(record);
  }
  return records;
}

/** @throws if the value cannot be decompressed: somebody else has written it, or a disk has lost some. */
async function unpack({ codec, value }: Pick<ReadRow, "codec" | "value">): Promise<Buffer> {
  return codec === CODEC_ZSTD ? decompressZstd(value) : value;
}

function query(
  postgres: PostgresConnection,
  topicId: number,
  partition: number,
  fromOffset: bigint,
  recordsMax: number,
): Promise<ReadRow[]> {
  const values = [topicId, partition, fromOffset, recordsMax, READ_BYTES_MAX];
  return postgres.query<ReadRow>(READ_SQL, values);
}

function toRange([row]: readonly ReadRow[]): OffsetRange {
  if (row === undefined) throw new Error("A partition of the topic has no row");
  return { startOffset: BigInt(row.start_offset), endOffset: BigInt(row.end_offset) };
}

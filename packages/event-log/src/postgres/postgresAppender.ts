import { AppendQueue } from "../appendQueue.ts";
import type { AppendRequest, EventLogAppender } from "../port.ts";
import { assertAppendable } from "../recordChecks.ts";
import { compressZstd, compressZstdNow } from "../zstd.ts";
import { appendPacked, type StoredRecord } from "./packedAppend.ts";
import { loadTopic, openPostgres } from "./postgresConnection.ts";

/** One transaction holds at most this much; it is what a group commit saves fsyncs with. */
const WRITE_BYTES_MAX = 8 * 1_048_576;
const WRITE_RECORDS_MAX = 2_000;
/** A second write waits at the row locks of the first, but its bytes are already over there. */
const WRITES_IN_FLIGHT_MAX = 2;
const PENDING_BYTES_MAX = 64 * 1_048_576;
/** So much is compressed in one go, some tenths of a millisecond's work; more by the thread pool. */
const COMPRESSED_NOW_BYTES_MAX = 131_072;
/** What a record costs before its first byte, as bytes that are compressed in that time. */
const RECORD_COST_BYTES = 16_384;

/** @throws {UnknownTopicError | LogUnavailableError} */
export async function openPostgresAppender(
  connectionString: string,
  topic: string,
  timeoutMs: number,
): Promise<EventLogAppender> {
  const postgres = openPostgres(connectionString, WRITES_IN_FLIGHT_MAX);
  const { partitionCount } = await loadTopic(postgres, topic).catch(async (error: unknown) => {
    await postgres.close();
    throw error;
  });
  const queue = new AppendQueue<StoredRecord>({
    write: (records) => appendPacked(postgres, topic, records),
    bytesOf: (record) => record.compressed.length,
    writeBytesMax: WRITE_BYTES_MAX,
    writeRecordsMax: WRITE_RECORDS_MAX,
    writesInFlightMax: WRITES_IN_FLIGHT_MAX,
    pendingBytesMax: PENDING_BYTES_MAX,
    timeoutMs,
  });
  return {
    topic,
    partitionCount,
    append: async (records) => {
      assertAppendable(records, partitionCount);
      return queue.append(await compress(records));
    },
    close: async () => {
      await queue.close();
      await postgres.close();
    },
  };
}

function compress(
  records: readonly AppendRequest[],
): readonly StoredRecord[] | Promise<readonly StoredRecord[]> {
  const bytes = records.reduce((sum, { value }) => sum + value.length, 0);
  // Each record has its own cost, so a call of many small ones is not done in one go either.
  if (bytes + RECORD_COST_BYTES * records.length <= COMPRESSED_NOW_BYTES_MAX) {
    return records.map(({ partition, value }) => ({
      partition,
      compressed: compressZstdNow(value),
    }));
  }
  return Promise.all(
    records.map(async ({ partition, value }) => ({
      partition,
      compressed: await compressZstd(value),
    })),
  );
}

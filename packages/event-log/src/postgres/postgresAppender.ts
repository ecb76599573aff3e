import { AppendQueue } from "../appendQueue.ts";
import type { EventLogAppender } from "../port.ts";
import { assertAppendable } from "../recordChecks.ts";
import { compressZstd } from "../zstd.ts";
import { appendPacked, type StoredRecord } from "./packedAppend.ts";
import { loadTopic, openPostgres } from "./postgresConnection.ts";

/** One transaction holds at most this much; it is what a group commit saves fsyncs with. */
const WRITE_BYTES_MAX = 8 * 1_048_576;
const WRITE_RECORDS_MAX = 2_000;
/** A second write waits at the row locks of the first, but its bytes are already over there. */
const WRITES_IN_FLIGHT_MAX = 2;
const PENDING_BYTES_MAX = 64 * 1_048_576;

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
      const stored = await Promise.all(
        records.map(async ({ partition, value }) => ({
          partition,
          compressed: await compressZstd(value),
        })),
      );
      return queue.append(stored);
    },
    close: async () => {
      await queue.close();
      await postgres.close();
    },
  };
}

import { setImmediate as nextTurn } from "node:timers/promises";
import { AppendQueue } from "../appendQueue.ts";
import { FrameMemory, FreeSlabs } from "../frameMemory.ts";
import type { AppendRequest, EventLogAppender } from "../port.ts";
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
/** Compressed between two turns of the event loop, some tenths of a millisecond. */
const TURN_BYTES_MAX = 262_144;
/** What a record costs before its first byte, as bytes that are compressed in that time. */
const RECORD_COST_BYTES = 4_096;

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
  const slabs = new FreeSlabs();
  return {
    topic,
    partitionCount,
    append: async (records) => {
      assertAppendable(records, partitionCount);
      const memory = new FrameMemory(slabs, rawBytesOf(records));
      const appended = await queue.append(await compress(records, memory));
      // Answered, so sent. What failed or was given up may still be on its way, and is left alone.
      memory.giveBack();
      return appended;
    },
    close: async () => {
      await queue.close();
      await postgres.close();
    },
  };
}

function rawBytesOf(records: readonly AppendRequest[]): number {
  return records.reduce((sum, { value }) => sum + value.length, 0);
}

/** One after the other, so that others get their turn in between. */
async function compress(
  records: readonly AppendRequest[],
  memory: FrameMemory,
): Promise<readonly StoredRecord[]> {
  const stored: StoredRecord[] = [];
  let turnBytes = 0;
  for (const { partition, value } of records) {
    const bytes = value.length + RECORD_COST_BYTES;
    if (turnBytes > 0 && turnBytes + bytes > TURN_BYTES_MAX) {
      await nextTurn();
      turnBytes = 0;
    }
    turnBytes += bytes;
    stored.push({ partition, compressed: compressZstd(value, 0, memory.take) });
  }
  return stored;
}

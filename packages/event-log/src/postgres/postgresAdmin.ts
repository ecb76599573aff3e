import type { EventLogAdmin } from "../port.ts";
import { assertTimesRise } from "../recordChecks.ts";
import { compressZstd } from "../zstd.ts";
import { appendPacked, type StoredRecord } from "./packedAppend.ts";
import { loadTopic, openPostgres, type PostgresConnection } from "./postgresConnection.ts";
import { SCHEMA_LOCK_KEY, SCHEMA_SQL } from "./schema.ts";

/** Records deleted, or restored, by one statement. */
const CHUNK_RECORDS_MAX = 1_000;
const RESTORE_BYTES_MAX = 16 * 1_048_576;

/** One round trip and one transaction: without parameters, Postgres takes many statements at once. */
const CREATE_SCHEMA_SQL = `SELECT pg_advisory_xact_lock(${SCHEMA_LOCK_KEY}); ${SCHEMA_SQL}`;

const ENSURE_TOPIC_SQL = "SELECT event_log.ensure_topic($1, $2, $3)";
const GROW_TOPIC_SQL = "SELECT event_log.grow_topic($1, $2)";

/**
 * Deletes the oldest records of each partition up to the first that must stay, a chunk at a time.
 * Append times never fall, so what is too old is always a prefix and the offsets kept have no gap.
 */
const DELETE_EXPIRED_SQL = `
DELETE FROM event_log.records r
USING event_log.topics t, event_log.partitions p
CROSS JOIN LATERAL (
  SELECT c."offset", c.append_time_ms FROM event_log.records c
  WHERE c.topic_id = p.topic_id AND c.partition = p.partition
  ORDER BY c."offset" LIMIT $2
) oldest
WHERE t.topic = $1 AND p.topic_id = t.topic_id
  AND r.topic_id = p.topic_id AND r.partition = p.partition AND r."offset" = oldest."offset"
  AND oldest.append_time_ms < extract(epoch FROM clock_timestamp()) * 1000 - t.retention_ms
RETURNING r.partition`;

/** Opens a connection for each call, since they are rare. */
export function createPostgresAdmin(connectionString: string): EventLogAdmin {
  const connected = async <Result>(
    work: (postgres: PostgresConnection) => Promise<Result>,
  ): Promise<Result> => {
    const postgres = openPostgres(connectionString, 1);
    try {
      return await work(postgres);
    } finally {
      await postgres.close();
    }
  };
  return {
    ensureTopic: (topic, { partitionCount, retentionMs }) =>
      connected(async (postgres) => {
        await postgres.query(CREATE_SCHEMA_SQL, []);
        await postgres.query(ENSURE_TOPIC_SQL, [topic, partitionCount, retentionMs]);
      }),
    growTopic: (topic, partitionCount) =>
      connected(async (postgres) => {
        await loadTopic(postgres, topic);
        await postgres.query(CREATE_SCHEMA_SQL, []);
        await postgres.query(GROW_TOPIC_SQL, [topic, partitionCount]);
      }),
    applyRetention: (topic) =>
      connected(async (postgres) => {
        await loadTopic(postgres, topic);
        let deletedCount = 0;
        for (;;) {
          const deleted = await postgres.query(DELETE_EXPIRED_SQL, [topic, CHUNK_RECORDS_MAX]);
          if (deleted.length === 0) return deletedCount;
          deletedCount += deleted.length;
        }
      }),
    restore: (topic, records) => {
      assertTimesRise(records);
      return connected(async (postgres) => {
        await loadTopic(postgres, topic);
        await restore(postgres, topic, records);
      });
    },
    close: () => Promise.resolve(),
  };
}

async function restore(
  postgres: PostgresConnection,
  topic: string,
  records: Parameters<EventLogAdmin["restore"]>[1],
): Promise<void> {
  let chunk: StoredRecord[] = [];
  let chunkBytes = 0;
  for (const { partition, value, appendTimeMs } of records) {
    const compressed = compressZstd(value);
    chunk.push({ partition, compressed, appendTimeMs });
    chunkBytes += compressed.length;
    if (chunk.length < CHUNK_RECORDS_MAX && chunkBytes < RESTORE_BYTES_MAX) continue;
    await appendPacked(postgres, topic, chunk);
    chunk = [];
    chunkBytes = 0;
  }
  if (chunk.length > 0) await appendPacked(postgres, topic, chunk);
}

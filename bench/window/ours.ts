/**
 * The stream role as it is, in a process of its own, from an empty checkpoint to the log's end; and
 * the same with its counts thrown away, which is what the peer does with its own.
 */
import { randomUUID } from "node:crypto";
import type { ClickHouseClient } from "@clickhouse/client";
import { openClickHouse } from "@trueclick/db/clickhouse/client";
import { type Database, openDatabase } from "@trueclick/db/postgres/database";
import { streamCheckpoints } from "@trueclick/db/postgres/schema/stream";
import type { EventLogReader } from "@trueclick/event-log";
import { createKafkaEventLog } from "@trueclick/event-log/kafka";
import { MINUTE_MS, SECOND_MS } from "@trueclick/shared/time";
import { delay } from "../../apps/aggregator/src/delay.ts";
import { composeLeases } from "../../apps/aggregator/src/leases/composeLeases.ts";
import { SILENT } from "../../apps/aggregator/src/leases/testing/testLeases.ts";
import { createPostgresCampaignDirectory } from "../../apps/aggregator/src/stream/adapters/postgresCampaignDirectory.ts";
import { createPostgresCheckpointStore } from "../../apps/aggregator/src/stream/adapters/postgresCheckpointStore.ts";
import { composeStream } from "../../apps/aggregator/src/stream/composeStream.ts";
import { HASH_KEY_WORDS } from "../../apps/aggregator/src/stream/domain/spanHash.ts";
import { runStream } from "../../apps/aggregator/src/stream/pipeline/runStream.ts";
import type { HotStore } from "../../apps/aggregator/src/stream/ports/hotStore.ts";
import type { StreamObserver } from "../../apps/aggregator/src/stream/ports/streamObserver.ts";
import { type Measured, measureCpu, type RunRound } from "./rounds.ts";

const SETTINGS = { allowedLatenessMs: 10 * MINUTE_MS, flushIntervalMs: SECOND_MS };
/** As the product has it: with a short one, a busy machine loses partitions and reads them again. */
const LEASE_MS = 8 * SECOND_MS;

/** The limits of `composeStream`. */
const LIMITS = {
  openEntriesMax: 8_000_000,
  readRecordsMax: 256,
  flushBytesMax: 32 * 1_048_576,
  waitingUsersMax: 500_000,
  readWaitMs: 1_000,
};
const NOWHERE: HotStore = {
  writeCells: () => Promise.resolve(),
  writeUsers: () => Promise.resolve(),
  writeRejects: () => Promise.resolve(),
};

/** @param clickhouseUrl Empty: the counts are thrown away. Checkpoints are kept in any case. */
export async function openOurs(
  brokers: string,
  topic: string,
  databaseUrl: string,
  clickhouseUrl: string,
): Promise<RunRound> {
  const log = await createKafkaEventLog({ brokers: [brokers], clientId: "bench" }).reader(topic);
  const { db } = openDatabase(databaseUrl, { connectionsMax: 8 });
  const clickhouse = clickhouseUrl === "" ? null : openClickHouse(clickhouseUrl);
  return async () => {
    await db.delete(streamCheckpoints);
    const behind = new Map<number, bigint>();
    for (let partition = 0; partition < log.partitionCount; partition += 1) {
      behind.set(partition, (await log.offsets(partition)).endOffset);
    }
    const stopping = new AbortController();
    const measure = measureCpu();
    let measured: Measured | undefined;
    const silent = () => {};
    const observer: StreamObserver = {
      ...{ owned: silent, retrying: silent, recovered: silent, released: silent, expired: silent },
      stopped: (_partition, _reason, error) => {
        throw error;
      },
      // The checkpoint is committed, and what it covers is stored.
      flushed: (partition, { checkpoint }) => {
        if (checkpoint.nextOffset >= (behind.get(partition) ?? 0n)) behind.delete(partition);
        if (behind.size > 0) return;
        measured ??= measure();
        stopping.abort();
      },
    };
    const member = { member: randomUUID(), instance: null, leaseMs: LEASE_MS };
    const leases = composeLeases(db, member, { name: "stream", log }, SILENT);
    const signals = { stopping: stopping.signal, deadline: new AbortController().signal };
    await runRole(log, db, clickhouse, observer)(leases, signals);
    if (measured === undefined) throw new Error("The stream ended before the log");
    return { measured, digest: null };
  };
}

type RunRole = (leases: Leases, signals: Parameters<typeof composeStream>[1]) => Promise<void>;
type Leases = Parameters<typeof runStream>[2];

function runRole(
  log: EventLogReader,
  db: Database,
  clickhouse: ClickHouseClient | null,
  observer: StreamObserver,
): RunRole {
  if (clickhouse !== null) {
    const deps = { log, db, clickhouse, observer, settings: SETTINGS };
    return (leases, signals) => composeStream({ ...deps, leases }, signals);
  }
  const deps = {
    ...{ log, observer, delay, hotStore: NOWHERE, random: Math.random },
    checkpoints: createPostgresCheckpointStore(db, log.topic),
    campaigns: createPostgresCampaignDirectory(db),
    nowMs: () => performance.now(),
  };
  const hashKey = crypto.getRandomValues(new Int32Array(HASH_KEY_WORDS));
  return (leases, signals) => runStream(deps, { ...LIMITS, ...SETTINGS, hashKey }, leases, signals);
}

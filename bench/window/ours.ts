/** The stream role as it is, in a process of its own, from an empty checkpoint to the log's end. */
import { openClickHouse } from "@trueclick/db/clickhouse/client";
import { openDatabase } from "@trueclick/db/postgres/database";
import { streamCheckpoints } from "@trueclick/db/postgres/schema/stream";
import { createKafkaEventLog } from "@trueclick/event-log/kafka";
import { MINUTE_MS, SECOND_MS } from "@trueclick/shared/time";
import { testLeases } from "../../apps/aggregator/src/leases/testing/testLeases.ts";
import { composeStream } from "../../apps/aggregator/src/stream/composeStream.ts";
import type { StreamObserver } from "../../apps/aggregator/src/stream/ports/streamObserver.ts";
import { type Measured, measureCpu, type RunRound } from "./rounds.ts";

const SETTINGS = { allowedLatenessMs: 10 * MINUTE_MS, flushIntervalMs: SECOND_MS };

export async function openOurs(
  brokers: string,
  topic: string,
  databaseUrl: string,
  clickhouseUrl: string,
): Promise<RunRound> {
  const log = await createKafkaEventLog({ brokers: [brokers], clientId: "bench" }).reader(topic);
  const { db } = openDatabase(databaseUrl, { connectionsMax: 8 });
  const clickhouse = openClickHouse(clickhouseUrl);
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
    const { partitionCount } = log;
    const leases = testLeases(db, { name: "stream", topic, partitionCount });
    const signals = { stopping: stopping.signal, deadline: new AbortController().signal };
    const deps = { log, db, clickhouse, observer, leases, settings: SETTINGS };
    await composeStream(deps, signals);
    if (measured === undefined) throw new Error("The stream ended before the log");
    return { measured, digest: null };
  };
}

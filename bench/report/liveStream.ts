/** A stream that goes on: flushes of both partitions each second, in the order that the stream keeps. */
import { setTimeout as wait } from "node:timers/promises";
import { openClickHouse } from "@trueclick/db/clickhouse/client";
import { openDatabase } from "@trueclick/db/postgres/database";
import { streamCheckpoints } from "@trueclick/db/postgres/schema/stream";
import { SECOND_MS } from "@trueclick/shared/time";
import { eq, sql } from "drizzle-orm";
import { createClickHouseHotStore } from "../../apps/aggregator/src/stream/adapters/clickhouseHotStore.ts";
import { type FlushRows, readFlushRows } from "./flushRows.ts";

const FLUSH_INTERVAL_MS = SECOND_MS;
const PARTITIONS = [0, 1];

export interface LiveStream {
  readonly flushes: () => number;
  stop(): Promise<void>;
}

/**
 * Writes cells of the last minute and evidence and users of the last hour once more, as a replay would, by the
 * stream's own store: there are new parts, announced and committed records, and every sum is as it was, so
 * that answers can still be compared.
 *
 * @param cells The file of all cells, whose users are those of the sets.
 */
export async function startLiveStream(
  urls: { readonly postgres: string; readonly clickhouse: string },
  cells: string,
  endMs: number,
): Promise<LiveStream> {
  const { db, close } = openDatabase(urls.postgres, { connectionsMax: 2 });
  const client = openClickHouse(urls.clickhouse);
  const store = createClickHouseHotStore(client);
  const stopping = new AbortController();
  let flushes = 0;
  const flush = async (partition: number, rows: FlushRows) => {
    const { nextOffset, announcedOffset } = streamCheckpoints;
    const isIt = eq(streamCheckpoints.partition, partition);
    const announced = sql`${announcedOffset} + 1`;
    await db.update(streamCheckpoints).set({ announcedOffset: announced }).where(isIt);
    // A flush is written whole, whoever ends meanwhile.
    const { signal } = new AbortController();
    await Promise.all([
      store.writeCells(partition, rows.cells, signal),
      store.writeRejects(rows.rejects, signal),
      store.writeUsers(rows.users, signal),
    ]);
    const committed = sql`${nextOffset} + 1`;
    await db.update(streamCheckpoints).set({ nextOffset: committed }).where(isIt);
    flushes += 1;
  };
  const rows = await Promise.all(
    PARTITIONS.map((partition) => readFlushRows(client, { cells, endMs }, partition)),
  );
  const run = async () => {
    while (!stopping.signal.aborted) {
      await Promise.all(rows.map((of, partition) => flush(partition, of)));
      await wait(FLUSH_INTERVAL_MS, undefined, { signal: stopping.signal }).catch(() => {});
    }
  };
  const running = run();
  // Whoever stops it hears of a fault; until then nobody waits for it.
  running.catch(() => {});
  return {
    flushes: () => flushes,
    async stop() {
      stopping.abort();
      try {
        await running;
      } finally {
        await Promise.all([close(), client.close()]);
      }
    },
  };
}
